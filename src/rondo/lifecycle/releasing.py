"""From a verdict to the release that serves, and back along the release history.

The deployment room is opened when something is deployed: a round in which nothing changed does not wait for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rondo.lifecycle.workshop import Workshop
from rondo.records.release import Release
from rondo.records.verdict import Verdict

if TYPE_CHECKING:
    from rondo.stages.deployment import Means


def waits_for_release(releases: Sequence[Release], verdict: Verdict) -> bool:
    """Whether the accepted bundle has never been in production.

    One that was there and was rolled back stays where it is: only a person, or a new round, brings it back.
    """
    known = next((release for release in releases if release.bundle_id == verdict.bundle_id), None)
    return known is None or known.stage in ("None", "Staging")


def catch_up(workshop: Workshop) -> None:
    """Tells the model registry what a command that was killed could not tell it any more."""
    if workshop.state.roles_to_mirror() is None:  # asked first: opening the registry takes seconds
        return
    from rondo.stages.deployment import reconcile

    reconcile(workshop.state, workshop.registry, workshop.project.project, now=workshop.clock())


def register_and_release(workshop: Workshop, verdict: Verdict, *, by: str) -> str:
    """Registers the judged bundle and, where the contract says `auto`, brings it into production; told in words."""
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
    if workshop.project.deployment.mode != "auto":
        return f"Version {release.version} passed its gates and waits: `rondo promote {release.version}`."
    return promote(workshop, release.version, by=by, reason=f"passed its gates: {release.version_reason}")


def promote(workshop: Workshop, version: str, *, by: str, reason: str) -> str:
    """Brings the version into production, warm first, then all at once; told in words."""
    from rondo.stages import deployment

    done = deployment.promote(version, _means(workshop), by=by, reason=reason)
    return "; ".join(deployment.tell(done))


def rollback(workshop: Workshop, *, by: str, reason: str) -> str:
    """Brings back the version that was in production before; told in words."""
    from rondo.stages import deployment

    done = deployment.rollback(_means(workshop), by=by, reason=reason)
    return "; ".join(deployment.tell(done))


def _means(workshop: Workshop) -> Means:
    """What the deployment room needs. It waits for servers, so its clock is the real one."""
    from rondo.stages.deployment import Means

    return Means(
        model=workshop.project.project,
        root=workshop.layout.root,
        store=workshop.state,
        registry=workshop.registry,
        progress=workshop.progress,
    )
