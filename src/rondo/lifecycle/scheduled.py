"""Does the rounds of the schedule: each slot once, whichever process takes it, and whatever becomes of that process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from rondo.contract.cron import parse_cron
from rondo.errors import Conflict
from rondo.lifecycle.running import is_running
from rondo.lifecycle.schedule import Slots, finished, left, take
from rondo.lifecycle.workshop import Workshop
from rondo.records.failpoints import reached
from rondo.records.holders import is_gone, this_process

KEPT = "schedule.slots"
LEASE = "schedule"
SKIPPED = "schedule.skipped"
LONGEST_ROUND = timedelta(hours=12)
"""A slot of a machine that does not answer any more is taken up after that; of this machine's processes, at once."""


def do_what_is_due(workshop: Workshop, go: Callable[[], object]) -> bool:
    """Whether the round of a slot was done. Not while another run works here: the slot waits for its end.

    Whatever the round raises, its slot is done; but one that was interrupted is taken up again.

    Args:
        workshop: the project.
        go: the round.
    """
    state = workshop.state
    if workshop.project.pipeline.schedule is None:
        return False
    slots = _kept(workshop)
    if slots is None:  # slots from before the first time are not made up for
        _keep(workshop, Slots(workshop.clock()))
        return False
    if _taken(workshop, slots) == (slots, None) or is_running(workshop.layout.home):
        return False
    with ExitStack() as held:
        try:
            now = workshop.wall_clock()
            held.enter_context(state.lease(LEASE, this_process(), LONGEST_ROUND, now=now, gone=is_gone))
        except Conflict:  # somebody else does it
            return False
        return _take_and_go(workshop, go)


def _take_and_go(workshop: Workshop, go: Callable[[], object]) -> bool:
    before = _kept(workshop)
    assert before is not None
    slots, slot = _taken(workshop, before)
    if slots != before:
        _keep(workshop, slots)
    if slot is None:
        if slots != before:
            _tell_skipped(workshop, before, slots)
        return False
    reached("schedule.taken")
    try:
        go()
    except KeyboardInterrupt:
        _keep(workshop, left(slots))
        raise
    except BaseException:
        _keep(workshop, finished(slots, slot))
        raise
    reached("schedule.gone")
    _keep(workshop, finished(slots, slot))
    reached("schedule.done")
    return True


def _taken(workshop: Workshop, slots: Slots) -> tuple[Slots, datetime | None]:
    pipeline = workshop.project.pipeline
    return take(slots, parse_cron(pipeline.schedule or ""), ZoneInfo(pipeline.timezone), workshop.clock())


def _tell_skipped(workshop: Workshop, before: Slots, after: Slots) -> None:
    if after.done < before.done:
        reason = f"the clock was set back from {before.done:%Y-%m-%d %H:%M} UTC: slots count from now on"
    else:
        reason = f"the slot of {after.done:%Y-%m-%d %H:%M} UTC is given up: {before.attempts} processes ended in it"
    workshop.progress.say(f"schedule: {reason}")
    workshop.state.append(
        SKIPPED, workshop.project.project, by="rondo up", reason=reason, details={}, at=workshop.clock()
    )


def _kept(workshop: Workshop) -> Slots | None:
    kept = workshop.state.get(KEPT)
    return None if kept is None else msgspec.convert(kept, Slots)


def _keep(workshop: Workshop, slots: Slots) -> None:
    workshop.state.put(KEPT, msgspec.to_builtins(slots))
