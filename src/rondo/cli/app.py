"""The commands and their options. What a command does is imported when it runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

BEGIN = """\b
Begin:
  rondo init churn           a project file to start from
  cd churn
  rondo check                what is wrong with it
  rondo run                  the whole round, up to production
  rondo serve                answers requests

`rondo COMMAND -h` has examples. Exit codes: 0 ok, 1 a gate said no, 2 usage, 3 project file, 4 data,
5 something needed is not available, 6 conflict, 7 integrity, 130 interrupted."""


def debug_first(words: Sequence[str]) -> list[str]:
    """The words with `--debug` at their head, wherever it was typed: it belongs to every command. Pure."""
    end = words.index("--") if "--" in words else len(words)
    debug = ["--debug"] if "--debug" in words[:end] else []
    return [*debug, *(word for word in words[:end] if word != "--debug"), *words[end:]]


class _Commands(TyperGroup):
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, debug_first(args))


def _examples(*lines: str) -> str:
    """What stands under the options of a command, line by line as it is here."""
    return "\n".join(("\b", "Examples:", *(f"  {line}" for line in lines)))


app = typer.Typer(
    name="rondo",
    cls=_Commands,
    help="The whole machine-learning lifecycle from one project file.",
    epilog=BEGIN,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

Folder = Annotated[
    Path,
    typer.Option("--project", "-C", help="The project's folder.", envvar="RONDO_PROJECT", show_default=False),
]
Stages = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="STAGE",
        show_default=False,
        help="Only these: extract, data, features, training, packaging, validation, or one of your own.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print a record for programs.")]
Port = Annotated[
    int | None,
    typer.Option(min=0, max=65_535, help="By default as the project file says; 0 takes a free one."),
]
HERE = Path()


def _version(wanted: bool) -> None:
    if wanted:
        from rondo import __version__

        typer.echo(f"rondo {__version__}")
        raise typer.Exit


@app.callback()
def everywhere(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """The whole machine-learning lifecycle from one project file."""
    if debug:
        os.environ["RONDO_DEBUG"] = "1"


@app.command(epilog=_examples("rondo init churn", "rondo init shop --template shop"))
def init(
    folder: Annotated[Path, typer.Argument(help="Where the project is made.")] = HERE,
    template: Annotated[
        str, typer.Option(help="What to start from: minimal, shop, demand, recommender.")
    ] = "minimal",
) -> None:
    """Write a project to start from."""
    from rondo.cli.project import init as do

    do(folder, template)


@app.command(epilog=_examples("rondo check", "rondo check --json -C churn"))
def check(project: Folder = HERE, as_json: AsJson = False) -> int:
    """Tell everything that is wrong with the project file."""
    from rondo.cli.project import check as do

    return do(project, as_json)


@app.command(epilog=_examples("rondo schema > rondo.schema.json"))
def schema() -> None:
    """Print the JSON Schema of the project file, for editors."""
    from rondo.cli.project import schema as do

    do()


@app.command(epilog=_examples("rondo plan", "rondo plan --refresh"))
def plan(
    stages: Stages = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="As if the sources were read again.")] = False,
    project: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Tell what a run would do, and why."""
    from rondo.cli.round import plan as do

    do(project, tuple(stages or ()), refresh, as_json)


@app.command(
    epilog=_examples(
        "rondo run",
        "rondo run training --force",
        "rondo run --refresh          when the sources have new rows",
        "rondo run --new-version      when another target is meant",
    )
)
def run(
    stages: Stages = None,
    force: Annotated[bool, typer.Option("--force", help="Run stages that did not change, too.")] = False,
    refresh: Annotated[bool, typer.Option("--refresh", help="Read the sources again.")] = False,
    new_version: Annotated[
        bool,
        typer.Option("--new-version", help="Another problem, target or entity than in production is meant."),
    ] = False,
    alone: Annotated[bool, typer.Option("--alone", hidden=True)] = False,
    project: Folder = HERE,
    as_json: AsJson = False,
) -> int:
    """Do what changed, and release what passes the gates."""
    from rondo.cli.round import run as do
    from rondo.cli.round import run_alone

    names = tuple(stages or ())
    return run_alone(project, names) if alone else do(project, names, force, refresh, new_version, as_json)


@app.command(epilog=_examples("rondo status", "rondo status --json"))
def status(project: Folder = HERE, as_json: AsJson = False) -> None:
    """Show each criterion, its enforcer and its last value."""
    from rondo.cli.round import status as do

    do(project, as_json)


@app.command(epilog=_examples("rondo report"))
def report(project: Folder = HERE, as_json: AsJson = False) -> None:
    """Write the project document, for people."""
    from rondo.cli.round import report as do

    do(project, as_json)


@app.command(epilog=_examples("rondo models --limit 10", "rondo models --at 2026-01-31T14:00"))
def models(
    at: Annotated[
        str | None, typer.Option(help="Who answered at that moment, such as 2026-01-31T14:00.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many of the newest ones.")] = 50,
    project: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """List the registered versions, or tell what served at a moment."""
    from rondo.cli.release import models as do

    do(project, at, limit, as_json)


@app.command(
    epilog=_examples(
        "rondo deploy 1.2.0", 'rondo deploy 1.2.0 --strategy canary --wait --reason "before the holidays"'
    )
)
def deploy(
    version: Annotated[str, typer.Argument(help="Such as 1.2.0.")],
    strategy: Annotated[
        str | None, typer.Option(help="blue_green, canary or shadow; by default as the project file says.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; kept in the event log.")] = "",
    wait: Annotated[
        bool | None,
        typer.Option(
            "--wait/--no-wait",
            help="Wait until it has ended, or not at all; by default for what needs no requests.",
            show_default=False,
        ),
    ] = None,
    project: Folder = HERE,
    as_json: AsJson = False,
) -> int:
    """Release a version by the strategy of the project file."""
    from rondo.cli.rollout import deploy as do

    return do(project, version, strategy, reason, wait, as_json)


@app.command(epilog=_examples("rondo rollout", 'rondo rollout abort --reason "the callers complain"'))
def rollout(
    action: Annotated[str, typer.Argument(help="show, pause, resume, abort or approve.")] = "show",
    reason: Annotated[str, typer.Option(help="Why; kept in the event log.")] = "",
    project: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Show, pause, resume, abort or approve a rollout."""
    from rondo.cli.rollout import rollout as do

    do(project, action, reason, as_json)


@app.command(
    epilog=_examples(
        "rondo experiment start", "rondo experiment show", 'rondo experiment stop --reason "enough seen"'
    )
)
def experiment(
    action: Annotated[str, typer.Argument(help="start, show or stop.")] = "show",
    reason: Annotated[str, typer.Option(help="Why; kept in the event log.")] = "",
    project: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Start, show or stop the A/B test of the project file."""
    from rondo.cli.experiment import experiment as do

    do(project, action, reason, as_json)


@app.command(epilog=_examples('rondo promote 1.2.0 --reason "checked by hand"'))
def promote(
    version: Annotated[str, typer.Argument(help="Such as 1.2.0.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the event log.")] = "",
    project: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Put a version into production, warm first, all at once."""
    from rondo.cli.release import promote as do

    do(project, version, reason, as_json)


@app.command(epilog=_examples('rondo rollback --reason "too many complaints"'))
def rollback(
    reason: Annotated[str, typer.Option(help="Why; kept in the event log.")] = "",
    project: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Go back to the version before."""
    from rondo.cli.release import rollback as do

    do(project, reason, as_json)


@app.command(epilog=_examples("rondo gc --dry-run", "rondo gc", "rondo gc 1.0.0 --yes"))
def gc(
    versions: Annotated[
        list[str] | None, typer.Argument(help="Only these; by default all that nothing needs.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would go, and remove nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    project: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Remove bundles that nothing needs here any more.

    The model registry keeps its copies; what serves, or may have to, stays.
    """
    from rondo.cli.gc import gc as do

    do(project, tuple(versions or ()), dry_run, yes, as_json)


@app.command(epilog=_examples("rondo diff 1.0.0 1.1.0", "rondo diff 1.0.0 1.0.1 --data"))
def diff(
    before: Annotated[str, typer.Argument(help="A version, such as 1.2.0.")],
    after: Annotated[str, typer.Argument(help="Another one.")],
    data: Annotated[bool, typer.Option("--data", help="They are versions of the data.")] = False,
    project: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Tell what two versions differ in, from data to answers."""
    from rondo.cli.history import diff as do

    do(project, before, after, data, as_json)


@app.command(epilog=_examples("rondo lineage 1.1.0", "rondo lineage 1.0.1 --data"))
def lineage(
    wanted: Annotated[str, typer.Argument(help="A model version, such as 1.2.0, or a prediction id.")],
    data: Annotated[
        bool, typer.Option("--data", help="It is a version of the data: show what was made from it.")
    ] = False,
    project: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Follow a version or a prediction back to its data."""
    from rondo.cli.history import lineage as do

    do(project, wanted, data, as_json)


@app.command(epilog=_examples("rondo events --kind model.promoted --limit 10", "rondo events verify"))
def events(
    what: Annotated[str, typer.Argument(help="`verify` checks that the log is whole.")] = "list",
    kind: Annotated[str | None, typer.Option(help="Only of that kind, such as model.promoted.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many of the newest ones.")] = 50,
    project: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """List what happened, or verify that nothing of it was changed."""
    from rondo.cli.history import events as do
    from rondo.errors import UsageError

    if what not in ("list", "verify"):
        raise UsageError(f"there is nothing called {what!r} to do with events", mend="Write list or verify.")
    do(project, what == "verify", kind, limit, as_json)


@app.command(epilog=_examples("rondo serve", "rondo serve --port 9000"))
def serve(
    host: Annotated[str | None, typer.Option(help="By default as the project file says.")] = None,
    port: Port = None,
    project: Folder = HERE,
) -> None:
    """Answer requests with what is in production."""
    from rondo.cli.serve import serve as do

    do(project, host, port)


@app.command(
    epilog=_examples(
        "rondo predict customers.csv scores.parquet",
        "rondo predict customers.csv scores.csv --explain --errors keep",
    )
)
def predict(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Parquet, CSV or JSON lines, by its ending.")],
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help="The same rows, in their order, with scores.")
    ],
    version: Annotated[
        str | None, typer.Option("--version", help="By default the one in production.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Add the contributions of the features.")
    ] = False,
    errors: Annotated[
        str, typer.Option(help="Rows that cannot be scored: refuse (nothing is written), or keep.")
    ] = "refuse",
    force: Annotated[bool, typer.Option("--force", help="Replace OUT.")] = False,
    project: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Score a file as the server scores its rows.

    Of a recommender, everybody asked about gets a row for each item of the list.
    """
    from rondo.cli.predict import predict as do

    do(
        project,
        source,
        target,
        version=version,
        explain=explain,
        errors=errors,
        force=force,
        as_json=as_json,
    )


@app.command(epilog=_examples("rondo monitor", "rondo monitor --json"))
def monitor(project: Folder = HERE, as_json: AsJson = False) -> None:
    """Look at what was served: drift, performance, alerts."""
    from rondo.cli.round import monitor as do

    do(project, as_json)


@app.command(epilog=_examples("rondo alerts", 'rondo alerts ack KEY --note "looked at it"'))
def alerts(
    action: Annotated[str, typer.Argument(help="list, or ack to take note of one.")] = "list",
    key: Annotated[str | None, typer.Argument(help="Of the alert, as `list` shows it.")] = None,
    note: Annotated[str, typer.Option(help="Why, or what is done; kept in the event log.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    project: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """List open alerts, or take note of one."""
    from rondo.cli.alerts import alerts as do

    do(project, action, key, note, everything, as_json)


@app.command(epilog=_examples("rondo retrain --check", 'rondo retrain --approve --reason "new prices"'))
def retrain(
    only_check: Annotated[bool, typer.Option("--check", help="Only tell whether it is time.")] = False,
    approved: Annotated[
        bool, typer.Option("--approve", help="Approve what is due, also while it is held back.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why it is approved; kept in the event log.")] = "",
    project: Folder = HERE,
    as_json: AsJson = False,
) -> int:
    """Start a new round when a trigger says so."""
    from rondo.cli.round import retrain as do

    return do(project, only_check, approved, reason, as_json)


policies = typer.Typer(help="Policies of retraining.", no_args_is_help=True)
app.add_typer(policies, name="policy")


@policies.command("backtest", epilog=_examples("rondo policy backtest --periods 12"))
def policy_backtest(
    periods: Annotated[
        int | None, typer.Option(min=3, max=120, help="Into how many the newer history is divided.")
    ] = None,
    project: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Try several policies on your own history, recommend one."""
    from rondo.cli.policy import backtest as do

    do(project, periods, as_json)


@app.command(epilog=_examples("rondo up", "rondo up --port 9000 --dashboard-port 9001"))
def up(
    port: Port = None,
    dashboard_port: Port = None,
    project: Folder = HERE,
) -> None:
    """Serve, watch, release and retrain, with a dashboard."""
    from rondo.cli.serve import up as do

    do(project, port, dashboard_port)


@app.command(epilog=_examples("rondo demo", "rondo demo my-demo --customers 500 --keep"))
def demo(
    folder: Annotated[Path, typer.Argument(help="Where the practice project is made.")] = Path(
        "demo-project"
    ),
    customers: Annotated[int, typer.Option(help="How many customers the practice shop has.")] = 2000,
    seed: Annotated[int, typer.Option(help="Of the practice world.")] = 7,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave server, controller and dashboard open until Ctrl-C.")
    ] = False,
) -> None:
    """Tell the whole story on a practice shop, with figures."""
    from rondo.cli.demo import demo as do

    do(folder, customers, seed, keep)
