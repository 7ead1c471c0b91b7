"""A judged bundle becomes a release: kept, known to the model registry, known to the state store, in this order.

Each part is done once however often it is begun, so that a killed registration is finished by doing it again.
"""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

from rondo.contract.project import Project
from rondo.errors import Conflict, CorruptArtifact
from rondo.ports.state import StateStore
from rondo.ports.tracking import ModelRegistry
from rondo.records.failpoints import reached
from rondo.records.files import publish_folder
from rondo.records.holders import is_gone, this_process
from rondo.records.layout import Layout
from rondo.records.release import Release
from rondo.records.verdict import Verdict
from rondo.stages.deployment.mirror import reconcile
from rondo.stages.deployment.verified import VerifiedBundle, Verify, verify_bundle

REGISTRATION = "registration"
"""The lease under which bundles come among the releases, and go."""


def register(
    project: Project,
    bundle: Path,
    verdict: Verdict,
    *,
    layout: Layout,
    store: StateStore,
    registry: ModelRegistry,
    now: datetime,
    by: str,
    verify: Verify = verify_bundle,
) -> Release:
    """The release of the bundle, as it stands in the store; doing it again gives the same release.

    A bundle that the gates refused is registered too, so that its story is known; it cannot be promoted.

    Raises:
        CorruptArtifact: the bundle is not as it was written.
        Conflict: the verdict is on another bundle, or the version is registered with another bundle.
    """
    found = verify(bundle)
    _check_verdict(verdict, found)
    with store.lease(REGISTRATION, this_process(), timedelta(minutes=10), now=now, gone=is_gone):
        known = next((one for one in store.releases() if one.version == found.version), None)
        if known is not None and known.bundle_id != found.bundle_id:
            raise Conflict(
                f"version {found.version} is registered with another bundle",
                rule="A version is one bundle, for ever.",
                mend="Give the new bundle a new version.",
            )
        kept = _keep(bundle, layout.releases / found.bundle_id, found, verify)
        reached("register.kept")
        run_id = str(found.lineage.get("run_id", ""))
        number = known.registry_version if known is not None else ""
        if not number:
            number = registry.register(
                project.project, found.version, run_id=run_id, bundle=kept, tags=_tags(found, verdict)
            )
            reached("register.in_registry")
        release = store.add_release(
            Release(
                version=found.version,
                bundle_id=found.bundle_id,
                bundle=kept.relative_to(layout.root).as_posix(),
                registered_at=now,
                registry_version=number,
                run_id=run_id,
                version_reason=found.version_reason,
                lineage=found.lineage,
                judgement=verdict.judgement,
                judgement_reasons=verdict.reasons,
            ),
            by=by,
        )
        reached("register.in_store")
    reconcile(store, registry, project.project, now=now)
    return release


def _check_verdict(verdict: Verdict, found: VerifiedBundle) -> None:
    if (verdict.bundle_id, verdict.version) != (found.bundle_id, found.version):
        raise Conflict(
            f"the verdict is on version {verdict.version} (bundle {verdict.bundle_id[:12]}), "
            f"the bundle is version {found.version} ({found.bundle_id[:12]})",
            rule="A bundle is released on its own verdict.",
            mend="Run the validation again.",
        )


def _keep(bundle: Path, kept: Path, found: VerifiedBundle, verify: Verify) -> Path:
    """The verified copy among the releases; one that was damaged there is replaced."""
    if kept.exists():
        try:
            if verify(kept).bundle_id == found.bundle_id:
                return kept
        except CorruptArtifact:
            pass
    with publish_folder(kept) as fresh:
        shutil.copytree(bundle, fresh, dirs_exist_ok=True)
        if verify(fresh).bundle_id != found.bundle_id:
            raise CorruptArtifact("the bundle changed while it was copied", where=str(bundle))
    return kept


def _tags(found: VerifiedBundle, verdict: Verdict) -> dict[str, str]:
    of_lineage = {
        f"rondo.{name}": str(value)
        for name, value in found.lineage.items()
        if isinstance(value, str | int | float | bool)
    }
    code = found.lineage.get("code") or {}
    of_code = {"rondo.code_version": code.get("commit"), "rondo.code_branch": code.get("branch")}
    return {
        **of_lineage,
        **{name: str(value) for name, value in of_code.items() if value},
        "rondo.version": found.version,
        "rondo.version_reason": found.version_reason,
        "rondo.bundle_id": found.bundle_id,
        "rondo.judgement": verdict.judgement,
    }
