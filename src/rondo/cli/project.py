"""init, check, schema: before anything runs."""

from __future__ import annotations

import secrets
import socket
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from shlex import quote
from string import Template

from rondo.cli.output import say, say_json
from rondo.errors import Conflict, ContractError, UsageError, nearest

TEMPLATES = ("minimal", "shop", "demand", "recommender")
BESIDE = {"demand": {"demand_holidays.py": "holidays.py"}}
"""Files of a template that lie beside its project file, under their names there."""
NOT_FOR_GIT = (
    ".env",
    ".rondo/",
    "build/",
    "mlartifacts/",
    "mlflow.db*",
    "feature_repo/data/",
    "reports/",
    "shop/",
)


def init(folder: Path, template: str) -> None:
    """A project file, and for the shop also its world."""
    if template not in TEMPLATES:
        raise UsageError(f"no template is named {template!r}", mend=nearest(template, TEMPLATES))
    target = folder / "rondo.yaml"
    if target.exists():
        raise Conflict("there is a project here already", where=str(target), mend="Choose another folder.")
    write_project(folder, template)
    if template == "shop":
        from rondo.shop import ShopSpec, prepare_practice_world

        prepare_practice_world(folder, ShopSpec())
        say(f"{target} and its practice shop are written. {_next(folder, 'rondo run')}")
    elif template == "recommender":
        from rondo.shop.orders import OrdersSpec, prepare_practice_orders

        lines = prepare_practice_orders(folder, OrdersSpec())
        say(f"{target} and {lines.height:,} simulated order lines are written. {_next(folder, 'rondo run')}")
    elif template == "demand":
        from rondo.shop.order_book import prepare_demand_world, spec_that_ends

        yesterday = datetime.now(UTC).date() - timedelta(days=1)
        orders = prepare_demand_world(folder, spec_that_ends(yesterday), until=yesterday)
        say(f"{target} and {orders:,} orders up to {yesterday} are written. {_next(folder, 'rondo run')}")
    else:
        say(f"{target} is written; name your data and its columns in it.")
        say(_next(folder, "rondo check", "rondo run", "rondo serve"))


def _next(folder: Path, *commands: str) -> str:
    """The commands that come after; into the folder first, where we are not in it."""
    there = () if folder.resolve() == Path.cwd() else (f"cd {quote(str(folder))}",)
    return f"Next: {', '.join(f'`{command}`' for command in (*there, *commands))}."


def write_project(folder: Path, template: str) -> None:
    """The template's project file, a `.gitignore`, and for the shop the token of its score service."""
    folder.mkdir(parents=True, exist_ok=True)
    templates = files("rondo.cli").joinpath("templates")
    text = templates.joinpath(f"{template}.yaml").read_text(encoding="utf-8")
    values = {"PROJECT_NAME": _project_name(folder), "SCORES_PORT": str(_free_port())}
    (folder / "rondo.yaml").write_text(Template(text).safe_substitute(values), encoding="utf-8")
    for name, there in BESIDE.get(template, {}).items():
        (folder / there).write_text(templates.joinpath(name).read_text(encoding="utf-8"), encoding="utf-8")
    ignored = folder / ".gitignore"
    if not ignored.exists():
        ignored.write_text("\n".join([*NOT_FOR_GIT, ""]), encoding="utf-8")
    if template == "shop":
        env = folder / ".env"
        env.touch(mode=0o600)
        env.write_text(f"SHOP_SCORES_TOKEN={secrets.token_urlsafe(24)}\n", encoding="utf-8")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def check(folder: Path, as_json: bool) -> int:
    """Every finding at once; 0 when none is an error."""
    from rondo.contract import load_project
    from rondo.contract.checks import check as findings_of

    loaded = load_project(folder)
    findings = findings_of(loaded)
    if as_json:
        say_json(findings)
    elif findings:
        for finding in findings:
            say(f"{finding.level.upper()}  {finding.problem.where}")
            say(f"    {_told(finding.problem)}")
    else:
        say(f"{loaded.path.name}: nothing to mend.")
    return ContractError.exit_code if any(finding.level == "error" for finding in findings) else 0


def schema() -> None:
    """The JSON Schema on standard output."""
    from rondo.contract.schema import json_schema

    say_json(json_schema())


def _told(problem: object) -> str:
    what, rule, mend = (getattr(problem, name) for name in ("what", "rule", "mend"))
    return " ".join(
        f"{part.rstrip('.')}." if not part.endswith("?") else part for part in (what, rule, mend) if part
    )


def _project_name(folder: Path) -> str:
    word = "".join(c if c.isascii() and c.isalnum() else "-" for c in folder.resolve().name.lower()).strip(
        "-"
    )
    return word[:60] or "project"
