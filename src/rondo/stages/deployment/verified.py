"""A bundle that was just found whole: every file's hash compared, golden rows answered as recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class VerifiedBundle:
    """What the bundle says of itself; `largest_difference` is that of the golden rows."""

    bundle_id: str
    version: str
    version_reason: str
    lineage: Mapping[str, Any]
    largest_difference: float


Verify = Callable[[Path], VerifiedBundle]


def verify_bundle(folder: Path) -> VerifiedBundle:
    """The bundle in that folder, after its files were compared and its golden rows replayed.

    Raises:
        NotAvailable: there is no bundle.
        CorruptArtifact: it is not as it was written, or answers otherwise than it did.
    """
    # Brings ONNX Runtime; who only plans or reads does not wait for it.
    from rondo.bundle.bundle import load_bundle

    bundle = load_bundle(folder)
    return VerifiedBundle(
        bundle_id=bundle.bundle_id,
        version=bundle.manifest.version,
        version_reason=bundle.manifest.version_reason,
        lineage=bundle.manifest.lineage,
        largest_difference=bundle.replay_golden(),
    )
