"""Does the stages that changed, one after the other, in this process.

Each stage is recorded when it is finished: a run that was killed goes on with the stage in which it died.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rondo.contract import require_sound
from rondo.contract.pipeline import ScriptStage
from rondo.errors import RondoError, UsageError, UserCodeError, nearest
from rondo.lifecycle.alone import RUN, alone, is_held
from rondo.lifecycle.order import Step, downstream, steps
from rondo.lifecycle.workshop import Workshop

RoomDoor = Callable[[str], str]
"""Does the built-in stage of that name and tells the result in a sentence."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A stage and why it will run; no reasons, no run."""

    step: Step
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a stage."""

    name: str
    ran: bool
    reasons: tuple[str, ...]
    seconds: float = 0.0
    result: str = ""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which stages a run is about: by default all that changed."""

    only: tuple[str, ...] = ()
    force: bool = False
    refresh: bool = False  # read the sources again, whether or not the contract changed
    reasons: tuple[str, ...] = ()  # why it was forced, for the log


def run_stages(workshop: Workshop, open_room: RoomDoor, selection: Selection) -> tuple[Done, ...]:
    """Every selected stage that changed, done and recorded, in order.

    Raises:
        ContractError: the project file contradicts itself, or names files that are not there.
        UsageError: a selected stage does not exist.
        Conflict: another run works in this project.
        RondoError: what a stage raised; the stages before it stay recorded.
    """
    all_steps = steps(workshop.project, workshop.loaded.raw)
    require_sound(workshop.loaded, made=[out for step in all_steps for out in step.declaration.outs])
    chosen = _chosen(all_steps, selection)
    with alone(
        workshop.layout.home, RUN, what="another run works in this project", mend="Wait until it ends."
    ):
        workshop.keeper.declare([step.declaration for step in all_steps])
        done: list[Done] = []
        for number, step in enumerate(chosen):
            reasons = _reasons(workshop, step, selection)
            if not reasons:
                done.append(Done(step.name, ran=False, reasons=()))
                continue
            workshop.progress.step("run", number, len(chosen), step.name)
            done.append(_do(workshop, open_room, step, reasons))
        workshop.progress.step("run", len(chosen), len(chosen))
    return tuple(done)


def run_alone(workshop: Workshop, open_room: RoomDoor, name: str) -> str:
    """Does one built-in stage without recording it: for a caller that records by itself, as `dvc repro` does."""
    all_steps = {step.name: step for step in steps(workshop.project, workshop.loaded.raw)}
    if name not in all_steps:
        raise UsageError(f"no stage is named {name!r}", mend=nearest(name, all_steps))
    return open_room(name)


def plan(workshop: Workshop, selection: Selection) -> tuple[Planned, ...]:
    """What a run would do and why. A stage behind one that will run is listed with that as its reason."""
    all_steps = steps(workshop.project, workshop.loaded.raw)
    workshop.keeper.declare([step.declaration for step in all_steps])
    planned: list[Planned] = []
    waiting: set[str] = set()
    for step in _chosen(all_steps, selection):
        reasons = _reasons(workshop, step, selection)
        if not reasons and step.name in waiting:
            reasons = ("a stage before it will run",)
        if reasons:
            waiting |= downstream(all_steps, step.name)
        planned.append(Planned(step, reasons))
    return tuple(planned)


def _chosen(all_steps: Sequence[Step], selection: Selection) -> tuple[Step, ...]:
    names = [step.name for step in all_steps]
    for name in selection.only:
        if name not in names:
            raise UsageError(f"no stage is named {name!r}", mend=nearest(name, names))
    return tuple(step for step in all_steps if not selection.only or step.name in selection.only)


def _reasons(workshop: Workshop, step: Step, selection: Selection) -> tuple[str, ...]:
    forced: list[str] = []
    if selection.force:
        forced.append("forced")
    elif selection.refresh and step.name == "extract":
        forced += selection.reasons or ("sources are read again",)
    return (*forced, *workshop.keeper.changes(step.name))


def _do(workshop: Workshop, open_room: RoomDoor, step: Step, reasons: tuple[str, ...]) -> Done:
    started = time.monotonic()
    _tell(workshop, "stage.started", step, "; ".join(reasons))
    try:
        if step.script is None:
            result = open_room(step.name)
        else:
            result = run_script(workshop.layout.root, step.script)
        workshop.keeper.commit(step.name)
    except Exception as error:
        with suppress(RondoError):  # what ails the stage is told, whatever ails the store
            _tell(workshop, "stage.failed", step, str(error)[:1000])
        raise
    seconds = time.monotonic() - started
    _tell(workshop, "stage.finished", step, "; ".join(reasons), seconds=round(seconds, 3), result=result)
    workshop.progress.say(f"{step.name}: {result} ({seconds:.1f} s)")
    return Done(step.name, ran=True, reasons=reasons, seconds=seconds, result=result)


def _tell(workshop: Workshop, kind: str, step: Step, reason: str, **details: Any) -> None:
    at = workshop.clock()
    workshop.state.append(kind, step.name, by="rondo run", reason=reason, details=details, at=at)


def run_script(root: Path, stage: ScriptStage) -> str:
    """Runs the user's script with this Python, its output on ours.

    Raises:
        UserCodeError: it ended with an error, or without one of its outputs.
    """
    ended = subprocess.run([sys.executable, stage.script], cwd=root, check=False)
    if ended.returncode:
        raise UserCodeError(
            f"the script ended with code {ended.returncode}",
            where=f"{stage.script} (stage {stage.name})",
            mend="Its own messages are above.",
        )
    if missing := [path for path in stage.outputs if not (root / path).exists()]:
        raise UserCodeError(
            f"the script left no {', '.join(missing)}",
            where=f"{stage.script} (stage {stage.name})",
            rule="a stage leaves every output that it declares",
        )
    return f"{stage.script} left {', '.join(stage.outputs) or 'nothing that is tracked'}"


def is_running(home: Path) -> bool:
    """Whether a run works in the project of that folder right now."""
    return is_held(home, RUN)
