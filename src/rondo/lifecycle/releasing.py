"""From a verdict to the release that serves, and back along the release history.

The deployment room is opened when something is deployed: a round in which nothing changed does not wait for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rondo.lifecycle import rollouts
from rondo.lifecycle.advancing import means_of, thaw
from rondo.lifecycle.freezing import AUTOMATIC, frozen_today
from rondo.lifecycle.workshop import Workshop
from rondo.records.release import Release
from rondo.records.rollout import Rollout
from rondo.records.verdict import Verdict

if TYPE_CHECKING:
    from rondo.contract.deployment import Strategy


def waits_for_release(releases: Sequence[Release], verdict: Verdict) -> bool:
    """Whether the accepted bundle has never been in production.

    One that was there and was rolled back stays where it is: only a person, or a new round, brings it back.
    """
    known = next((release for release in releases if release.bundle_id == verdict.bundle_id), None)
    return known is None or known.stage in ("None", "Staging")


def came_out_the_same(releases: Sequence[Release], verdict: Verdict, *, compared_with: str) -> bool:
    """Whether the accepted bundle is a registered version made once more: it differs in its times alone. Pure.

    Args:
        compared_with: the version that the bundle was numbered after; equal in everything it keeps its number.
    """
    others = (one for one in releases if one.bundle_id != verdict.bundle_id)
    return compared_with == verdict.version and any(one.version == verdict.version for one in others)


def catch_up(workshop: Workshop) -> None:
    """Tells the model registry what a command that was killed could not tell it any more."""
    if workshop.state.roles_to_mirror() is None:  # asked first: opening the registry takes seconds
        return
    from rondo.stages.deployment import reconcile

    reconcile(workshop.state, workshop.registry, workshop.project.project, now=workshop.clock())


@dataclass(frozen=True, slots=True)
class Released:
    """What became of an accepted bundle, in words; `refused` when something was found that speaks against it."""

    words: str
    refused: bool = False


def register_and_release(
    workshop: Workshop, verdict: Verdict, *, by: str, gather: rollouts.Gather | None = None
) -> Released:
    """Registers the judged bundle and begins its rollout, as far as `deployment.mode` allows.

    Args:
        workshop: the project.
        verdict: on its newest bundle.
        by: who.
        gather: in place of the judges of the phases.
    """
    from rondo.stages import deployment

    release = deployment.register(
        workshop.project,
        workshop.layout.bundle,
        verdict,
        layout=workshop.layout,
        store=workshop.state,
        registry=workshop.registry,
        now=workshop.clock(),
        by=by,
    )
    version = release.version
    if workshop.project.deployment.mode == "suggest":
        return Released(f"Version {version} passed its gates and waits: `rondo deploy {version}`.")
    if by in AUTOMATIC and (why := frozen_today(workshop)):
        return Released(f"Version {version} waits: {why}. `rondo deploy {version}` releases it by hand.")
    if frozen := rollouts.frozen_since(workshop):
        return Released(f"Version {version} waits: {frozen}. `rondo deploy {version}` releases it by hand.")
    before = rollouts.under_way(workshop.state)
    if before is not None and before.candidate != version:
        if before.state != "waiting":
            return Released(
                f"Version {version} waits: rollout {before.number} of {before.candidate} is under way. "
                f"`rondo deploy {version}` releases it after that."
            )
        rollouts.abort(workshop, by=by, reason=f"{version} takes its place")
        before = None
    if before is None:
        reason = f"passed its gates: {release.version_reason}"
        before = rollouts.begin(workshop, version, by=by, reason=reason)
    return told(workshop, before, gather=gather)


def deploy(
    workshop: Workshop,
    version: str,
    *,
    by: str,
    reason: str,
    strategy: Strategy | None = None,
    wait: Callable[[float], object] | None = None,
    until_the_end: bool = False,
    gather: rollouts.Gather | None = None,
) -> Released:
    """Begins a rollout of the version because a person asked for it, and advances it in the foreground; in words.

    Args:
        workshop: the project.
        version: an accepted version.
        by: who.
        reason: why.
        strategy: in place of the contract's.
        wait: waits that many seconds; None only begins it.
        until_the_end: wait for requests and time, too, not only for what needs no traffic.
        gather: in place of the judges of the phases.

    Raises:
        Conflict: it is not registered or in production already, or another rollout is under way.
        GateSaidNo: its gates did not say `ship`.
    """
    rollout = rollouts.under_way(workshop.state)
    if rollout is None or rollout.candidate != version:
        rollout = rollouts.begin(workshop, version, by=by, reason=reason, by_hand=True, strategy=strategy)
    elif rollout.state == "waiting":
        rollout = rollouts.approve(workshop, by=by, reason=reason or "deployed by hand")
    if wait is None:
        return _released(rollout)
    return told(workshop, rollout, wait=wait, until_the_end=until_the_end, gather=gather)


def told(
    workshop: Workshop,
    rollout: Rollout,
    *,
    wait: Callable[[float], object] = time.sleep,
    until_the_end: bool = False,
    gather: rollouts.Gather | None = None,
) -> Released:
    """What became of the rollout after what needs no traffic was done: preflight, and promotion where it is next."""
    if rollout.state == "waiting":
        return _released(rollout)

    def far_enough(now: Rollout) -> bool:
        return not until_the_end and (now.phase.kind != "preflight" or now.evidence is not None)

    return _released(rollouts.drive(workshop, far_enough, wait=wait, gather=gather))


def promote(workshop: Workshop, version: str, *, by: str, reason: str) -> str:
    """Brings the version into production, warm first, then all at once; a rollout under way ends. Told in words."""
    from rondo.stages import deployment

    means = means_of(workshop)
    done = deployment.promote(version, means, by=by, reason=reason)
    words = deployment.tell(done)
    thaw(workshop.state, means.clock())
    left = rollouts.under_way(workshop.state)
    if left is not None:  # the version was in production already, and nothing had to be switched
        why = reason or f"{version} promoted by hand"
        if left.candidate == version:
            left = rollouts.accept(workshop, by=by, reason=why)
        else:
            left = rollouts.abort(workshop, by=by, reason=why) or left
        words = (*words, deployment.tell_rollout(left))
    return "; ".join(words)


def rollback(workshop: Workshop, *, by: str, reason: str) -> str:
    """Brings back the version that was in production before; a rollout under way is aborted first. Told in words."""
    from rondo.stages import deployment

    words: tuple[str, ...] = ()
    before = rollouts.under_way(workshop.state)
    if before is not None and before.phase.kind != "watch":
        aborted = rollouts.abort(workshop, by=by, reason=reason or "rolled back by hand")
        words = (deployment.tell_rollout(aborted or before),)
    done = deployment.rollback(means_of(workshop), by=by, reason=reason)
    return "; ".join((*words, *deployment.tell(done)))


def _released(rollout: Rollout) -> Released:
    from rondo.stages import deployment

    words = deployment.tell_rollout(rollout)
    if rollout.state == "waiting":
        words += " `rondo rollout approve --reason '...'` lets it begin."
    elif rollout.state == "running":
        words += " `rondo up` carries on; `rondo rollout` shows it."
    elif rollout.state == "paused":
        words += " `rondo rollout resume` goes on, `rondo rollout abort` ends it."
    elif rollout.state == "aborted":
        words += f" `rondo deploy {rollout.candidate}` tries again."
    return Released(words, refused=rollout.state in ("aborted", "rolled_back", "frozen"))
