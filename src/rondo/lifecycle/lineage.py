"""Where a version comes from: data, code, features, run and bundle, each with version and identity."""

from __future__ import annotations

from dataclasses import dataclass

from rondo.bundle.manifest import Manifest
from rondo.errors import UsageError, nearest
from rondo.lifecycle.workshop import Workshop
from rondo.records.files import read_record


@dataclass(frozen=True, slots=True)
class Origin:
    """One link of the chain; `identity` is a hash or an id by which the thing is found again."""

    kind: str
    version: str
    identity: str


def trace(workshop: Workshop, version: str) -> tuple[Origin, ...]:
    """Everything that a version was made from, from the data to the release.

    Raises:
        UsageError: no such version is registered.
    """
    releases = {release.version: release for release in workshop.state.releases()}
    if version not in releases:
        raise UsageError(f"no version {version!r} is registered", mend=nearest(version, releases))
    release = releases[version]
    manifest = read_record(workshop.layout.root / release.bundle / "manifest.json", Manifest)
    lineage = manifest.lineage
    code = lineage.get("code") or {}
    changes = f" with changes {code['diff']}" if code.get("dirty") == "yes" else ""
    stored = lineage.get("dvc") or {}
    return (
        Origin("data", str(lineage.get("data_version", "")), str(lineage.get("data_hash", ""))),
        *(Origin("data in DVC", path, identity) for path, identity in sorted(stored.items())),
        Origin(
            "code",
            str(code.get("commit") or "not in git")[:12],
            f"{code.get('commit') or 'not in git'}{changes}",
        ),
        Origin("features", str(lineage.get("features_version", "")), str(lineage.get("plan_hash", ""))),
        Origin("training run", manifest.estimator.rpartition(".")[2], str(lineage.get("run_id", ""))),
        Origin("model", f"{version} ({manifest.version_reason})", manifest.files["model.onnx"].sha256),
        Origin("bundle", version, release.bundle_id),
        Origin("release", f"{release.stage}", f"registry version {release.registry_version}"),
    )
