"""What the people of the story change in their project file, and when: small edits, each a commit."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from rondo.contract import PROJECT_FILE
from rondo.errors import Conflict
from rondo.shop.story.pace import Pace

RECEIVER = "SHOP_ALERTS"
MONTH = "SHOP_MONTH_DAYS"
RHYTHM_FILE = "rhythm.py"
EARLY, LATE = 0.25, 0.75
"""From which score on a customer is said to leave: to miss nobody, and to waste no voucher."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A text of the file and what takes its place."""

    old: str
    new: str

    def undone(self) -> Edit:
        """The edit that takes this one back."""
        return Edit(self.new, self.old)


def opening(pace: Pace) -> tuple[Edit, ...]:
    """The demo's own lines: an early threshold, a receiver of alerts, rollouts that take seconds, and a throughput
    that is there while the same machine asks, serves and trains."""
    return (
        Edit("throughput: 300 req/s", f"throughput: {pace.throughput}"),
        *_slower(pace),
        Edit("training:\n", f"training:\n  threshold: {EARLY}\n"),
        Edit("monitoring:\n", f"monitoring:\n  notify: [env:{RECEIVER}]\n"),
        Edit(
            "\npipeline:",
            dedent(f"""
                # The demo's own: phases of seconds, where real ones hold for minutes and hours.
                deployment:
                  strategy: blue_green
                  mode: auto
                  preflight: {{duration: 1s, connections: 4}}
                  canary: {{steps: [{pace.steps}], hold: {pace.hold_s:g}s, min_requests: {pace.requests}}}
                  rollback_on: {{error_rate: "> 1%", p99_latency: "> {pace.slowest}"}}
                pipeline:"""),
        ),
    )


def _slower(pace: Pace) -> tuple[Edit, ...]:
    """The latency of the template, where the pace asks for another."""
    if pace.latency == "100ms":
        return ()
    return (
        Edit("latency: < 100ms", f"latency: < {pace.latency}"),
        Edit("p99_latency: {max: 100ms}", f"p99_latency: {{max: {pace.latency}}}"),
    )


def shadow(pace: Pace) -> Edit:
    """Before a canary the version answers unseen; a retrain may decide otherwise for three in ten customers."""
    phase = f"{{hold: {pace.hold_s:g}s, min_requests: {pace.mirrored}, min_agreement: 70%}}"
    return Edit("  canary: {steps", f"  shadow: {phase}\n  canary: {{steps")


CANARY = Edit("strategy: blue_green", "strategy: canary")
NEW_FEATURE = Edit(
    "    visits_14d:",
    "    visits_7d: {rolling: count, where: session_count > 0, window: 7d}\n    visits_14d:",
)
SUGGEST = Edit("mode: auto", "mode: suggest")
FEWER_VOUCHERS = Edit(f"threshold: {EARLY}", f"threshold: {LATE}")


def ab_test(control: str, treatment: str, pace: Pace) -> Edit:
    """The section of the experiment."""
    section = dedent(f"""
        ab_test:
          experiment_name: fewer_vouchers
          variants:
            control: {{model_version: {control}, traffic_percentage: 50}}
            treatment: {{model_version: {treatment}, traffic_percentage: 50}}
          metrics:
            primary: false_positive_rate
            secondary: [latency_p95, error_rate]
            margins: {{latency_p95: 150ms, error_rate: 5%}}
          duration_days: {pace.test_s / 86_400:.5f}
          min_sample_size: {pace.sample}
        pipeline:""")
    return Edit("\npipeline:", section)


def by_the_month(others: Sequence[str]) -> tuple[Edit, ...]:
    """The change that goes wrong: rhythm by a file whose month is set where it was written, and nowhere else.

    The model takes the new columns first; where they say the same as others, a tree decides by the first one.
    """
    definitions = "".join(
        f"    {name}: {{python: '{RHYTHM_FILE}:{name}', inputs: [{read}]}}\n"
        for name, read in BY_THE_MONTH.items()
    )
    columns = ", ".join((*BY_THE_MONTH, *others))
    return (
        Edit("    month: {time: month}\n", f"{definitions}    month: {{time: month}}\n"),
        Edit("  categorical: {columns", f"  numerical: {{columns: [{columns}]}}\n  categorical: {{columns"),
    )


BY_THE_MONTH = {
    "months_since_purchase": "days_since_purchase",
    "months_since_visit": "days_since_visit",
    "orders_a_month": "orders_30d",
    "orders_a_month_of_three": "orders_90d",
    "visits_a_month": "visits_30d",
    "visits_a_month_lately": "visits_14d",
}
RHYTHM = f'''\
"""How long ago and how often, by the month that the team agreed on."""

import os

MONTH_DAYS = float(os.environ.get("{MONTH}", "1"))


def months_since_purchase(rows):
    return rows["days_since_purchase"] / MONTH_DAYS


def months_since_visit(rows):
    return rows["days_since_visit"] / MONTH_DAYS


def orders_a_month(rows):
    return rows["orders_30d"] / 30 * MONTH_DAYS


def orders_a_month_of_three(rows):
    return rows["orders_90d"] / 90 * MONTH_DAYS


def visits_a_month(rows):
    return rows["visits_30d"] / 30 * MONTH_DAYS


def visits_a_month_lately(rows):
    return rows["visits_14d"] / 14 * MONTH_DAYS
'''


def change(folder: Path, edits: Sequence[Edit], *, why: str) -> tuple[str, ...]:
    """The lines that came and went, with + and -; the change is committed, where there is git.

    Raises:
        Conflict: a text that is to be replaced does not occur exactly once.
    """
    path = folder / PROJECT_FILE
    before = text = path.read_text(encoding="utf-8")
    for edit in edits:
        if text.count(edit.old) != 1:
            raise Conflict(f"{edit.old.strip()!r} is not there exactly once", where=str(path))
        text = text.replace(edit.old, edit.new)
    path.write_text(text, encoding="utf-8")
    _commit(folder, why)
    old, new = before.splitlines(), text.splitlines()
    gone = [f"- {line.strip()}" for line in old if line not in new]
    return (*gone, *(f"+ {line.strip()}" for line in new if line.strip() and line not in old))


def begin_history(folder: Path) -> None:
    """The project under git, so that lineage has a commit to name; without git it goes on without one."""
    _git(folder, "init", "-q")
    _commit(folder, "Start the practice project")


def _commit(folder: Path, why: str) -> None:
    if _git(folder, "add", "."):
        _git(folder, "commit", "-q", "-m", why)


def _git(folder: Path, *words: str) -> bool:
    who = ("-c", "user.name=Rondo demo", "-c", "user.email=demo@example.org")
    try:
        subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True
