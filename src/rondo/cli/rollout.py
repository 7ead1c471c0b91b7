"""deploy, rollout: a version on its way into production."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rondo.cli.output import Bars, Lines, person, progress, say, say_json, table, untold
from rondo.errors import GateSaidNo, NotAvailable, UsageError

if TYPE_CHECKING:
    from rondo.lifecycle.workshop import Workshop
    from rondo.records.rollout import Rollout

STRATEGIES = ("blue_green", "canary", "shadow")
ACTIONS = ("show", "pause", "resume", "abort", "approve")


def deploy(
    folder: Path, version: str, strategy: str | None, reason: str, wait: bool | None, as_json: bool
) -> int:
    """A rollout of the version; 1 when something was found that speaks against it."""
    from rondo.assembly import open_project
    from rondo.lifecycle.releasing import deploy as do

    known = next((name for name in STRATEGIES if name == (strategy or "").replace("/", "_")), None)
    if strategy is not None and known is None:
        raise UsageError(f"{strategy!r} is no strategy", mend=f"Known: {', '.join(STRATEGIES)}.")
    workshop = open_project(folder, progress=(shown := progress()))
    released = do(
        workshop,
        version,
        by="rondo deploy",
        reason=reason,
        strategy=known,  # type: ignore[arg-type]
        wait=None if wait is False else time.sleep,
        until_the_end=wait is True,
    )
    if as_json:
        say_json(workshop.state.rollout())
    elif rest := untold(shown, released.words):
        say(rest)
    return GateSaidNo.exit_code if released.refused else 0


def rollout(folder: Path, action: str, reason: str, as_json: bool) -> None:
    """The newest rollout, shown or acted on."""
    from rondo.assembly import open_project

    if action not in ACTIONS:
        raise UsageError(
            f"{action!r} is nothing that can be done to a rollout", mend=f"Known: {', '.join(ACTIONS)}."
        )
    workshop = open_project(folder, progress=(shown := progress()))
    found = workshop.state.rollout() if action == "show" else _act(workshop, action, reason)
    if found is None:
        raise NotAvailable("there was no rollout yet", mend="`rondo deploy VERSION` begins one.")
    say_json(found) if as_json else _show(found, shown)


def _act(workshop: Workshop, action: str, reason: str) -> Rollout | None:
    from rondo.lifecycle import rollouts

    do = {
        "pause": rollouts.pause,
        "resume": rollouts.resume,
        "abort": rollouts.abort,
        "approve": rollouts.approve,
    }
    # An approval needs a name; nobody is kept from ending a rollout for want of one.
    who = person() if action == "approve" else person(otherwise="rondo rollout")
    return do[action](workshop, by=who, reason=reason)


def _show(found: Rollout, shown: Bars | Lines) -> None:
    from rondo.stages.deployment import tell_figures, tell_phases, tell_rollout

    if rest := untold(shown, tell_rollout(found)):
        say(rest)
    say(
        f"Begun at {found.started_at:%Y-%m-%d %H:%M:%S} UTC by {found.by}: {found.reason or 'no reason given'}."
    )
    if found.approved_by:
        say(f"Approved by {found.approved_by}: {found.approval_reason}.")
    say()
    lines = tell_phases(found, datetime.now(UTC))
    table(
        ("phase", "what it does and asks", "", "seen"), [(p.phase, p.asked, p.stands, p.seen) for p in lines]
    )
    figures = list(tell_figures(found.evidence))
    if figures:
        say()
        table(("figure", "value"), figures)
