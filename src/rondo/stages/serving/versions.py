"""A version that is ready to answer: its bundle, its features, and what of its categories training knew."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rondo.bundle.bundle import Bundle, load_bundle
from rondo.bundle.candidates import CandidateReader
from rondo.bundle.online import OnlineFeatures


@dataclass(frozen=True, slots=True, eq=False)
class ServedVersion:
    """Everything that answering needs; safe to use from several threads."""

    version: str
    bundle: Bundle
    features: OnlineFeatures
    views: tuple[str, ...]
    stored: frozenset[str]  # names that the store may give: a row that has them all needs no look-up
    known: tuple[frozenset[str], ...]  # categories per categorical feature, in order
    candidates: CandidateReader | None = None  # of a ranking


def make_ready(folder: Path, *, bundle_id: str | None = None) -> ServedVersion:
    """The bundle of that folder, verified, its golden rows replayed, ready to answer.

    Raises:
        CorruptArtifact: it is not as it was written, or answers otherwise.
        NotAvailable: it is not there.
        UserCodeError: its feature functions cannot be loaded.
    """
    bundle = load_bundle(folder, bundle_id=bundle_id)
    bundle.replay_golden()
    return served(bundle)


def served(bundle: Bundle) -> ServedVersion:
    """The bundle, ready to answer."""
    plan, manifest = bundle.plan, bundle.manifest
    return ServedVersion(
        version=manifest.version,
        bundle=bundle,
        features=OnlineFeatures(plan, bundle.python_folder),
        views=plan.kept_views if plan.entity else (),
        stored=frozenset({one.name for one in plan.inputs} | {one.name for one in plan.history}),
        known=tuple(frozenset(manifest.categories.get(name, ())) for name in plan.categorical),
        candidates=CandidateReader(plan) if plan.lists is not None else None,
    )
