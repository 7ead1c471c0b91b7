"""One round: the stages that changed, then the release of what passed the gates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rondo.bundle.bundle import read_manifest
from rondo.contract import PROJECT_FILE
from rondo.lifecycle.document import write_document
from rondo.lifecycle.order import steps
from rondo.lifecycle.promised import keep_promise
from rondo.lifecycle.releasing import (
    came_out_the_same,
    catch_up,
    register_and_release,
    waits_for_release,
)
from rondo.lifecycle.rooms import Rooms, last_verdict
from rondo.lifecycle.running import Done, Selection, run_stages
from rondo.lifecycle.stillness import forget, remember, seen
from rondo.lifecycle.workshop import Workshop
from rondo.records.candidate import Candidate
from rondo.records.verdict import Judgement


@dataclass(frozen=True, slots=True)
class Round:
    """What a round came to. `release` tells it in a sentence; `refused` when a gate said no."""

    stages: tuple[Done, ...]
    judgement: Judgement | None
    version: str | None
    release: str
    refused: bool

    @property
    def did_nothing(self) -> bool:
        """Whether everything was up to date."""
        return not any(done.ran for done in self.stages)


def go_round(
    workshop: Workshop,
    selection: Selection,
    *,
    by: str,
    fixed: Candidate | None = None,
    new_version: bool = False,
) -> Round:
    """Does the stages that changed and releases what they made, as far as `deployment.mode` allows.

    Args:
        selection: with single stages selected nothing is released.
        by: who goes round, for the event log.
        fixed: refit this candidate instead of searching.
        new_version: another problem, target or entity than that of the version in production is meant.

    Raises:
        Conflict: the project file predicts something else than what is in production.
    """
    root, inputs = workshop.layout.root, tuple(_inputs(workshop))
    if not new_version:
        keep_promise(workshop)
    forget(root)
    before = seen(root, inputs)
    catch_up(workshop)
    done = run_stages(workshop, Rooms(workshop, fixed).open, selection)
    if selection.only:
        return Round(done, None, None, "", refused=False)
    went = _judged(workshop, done, by=by)
    if not went.did_nothing:
        write_document(workshop)
    told = went.release if went.refused else ""
    if seen(root, inputs) == before:  # what was edited meanwhile is for the next round to look at
        remember(root, _touchable(workshop), told=told, refused=went.refused)
    return went


def _judged(workshop: Workshop, done: tuple[Done, ...], *, by: str) -> Round:
    verdict = last_verdict(workshop) if workshop.project.pipeline.builtin else None
    if verdict is None:
        return Round(done, None, None, "", refused=False)
    if not verdict.ships:
        told = f"Version {verdict.version} is not released ({verdict.judgement}): {' '.join(verdict.reasons)}"
        return Round(done, verdict.judgement, verdict.version, told, refused=True)
    releases = workshop.state.releases()
    before = str(read_manifest(workshop.layout.bundle).lineage.get("previous_version", ""))
    if came_out_the_same(releases, verdict, compared_with=before):
        told = f"Version {verdict.version} came out as it was, and stays: there is nothing to release."
        return Round(done, verdict.judgement, verdict.version, told, refused=False)
    if not waits_for_release(releases, verdict):
        return Round(done, verdict.judgement, verdict.version, "", refused=False)
    released = register_and_release(workshop, verdict, by=by)
    return Round(done, verdict.judgement, verdict.version, released.words, refused=released.refused)


def _touchable(workshop: Workshop) -> Iterator[str]:
    """Every file and folder that a stage reads or leaves."""
    for step in steps(workshop.project, workshop.loaded.raw):
        stage = step.declaration
        yield from (*stage.deps, *stage.outs, *stage.metrics, *(stage.params or ()))


def _inputs(workshop: Workshop) -> Iterator[str]:
    """Every file and folder that stages read and no stage leaves."""
    declared = [step.declaration for step in steps(workshop.project, workshop.loaded.raw)]
    made = [out for stage in declared for out in (*stage.outs, *stage.metrics)]
    for stage in declared:
        for path in (PROJECT_FILE, *stage.deps, *(stage.params or ())):
            if not any(path == out or path.startswith(f"{out}/") for out in made):
                yield path
