"""Where the project stands: each criterion with what enforces it and what was last measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from rondo.bundle.plan import FeaturePlan
from rondo.errors import CorruptArtifact, NotAvailable
from rondo.lifecycle.criteria import GAP, CriterionStanding, Facts, lines
from rondo.lifecycle.heartbeat import heartbeat
from rondo.lifecycle.rooms import last_verdict, reports_folder
from rondo.lifecycle.workshop import Workshop
from rondo.records.dataset import Dataset
from rondo.records.files import read_record
from rondo.records.monitoring import Observation
from rondo.records.release import Release
from rondo.records.verdict import Gate
from rondo.stages.monitoring import current, is_live

__all__ = ["GAP", "CriterionStanding", "ProjectStanding", "standing"]

OBSERVATIONS_READ = 20_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ProjectStanding:
    """The whole contract, what serves, and whether anybody watches it."""

    project: str
    serving: str
    criteria: tuple[CriterionStanding, ...]
    monitor: str = ""
    monitor_late: bool = False
    open_alerts: int = 0

    @property
    def gaps(self) -> int:
        """Lines that nothing enforces or nobody has measured."""
        return sum(line.verdict == GAP for line in self.criteria)


def standing(workshop: Workshop) -> ProjectStanding:
    """The contract line by line, from the newest evidence of each kind."""
    release = workshop.state.production()
    serving = f"{release.version} is in production" if release else "nothing is in production yet"
    alive = heartbeat(workshop)
    alerts = workshop.state.alerts(open_only=True)
    return ProjectStanding(
        workshop.project.project,
        serving,
        tuple(lines(workshop.project, _facts(workshop, release))),
        monitor=alive.told if release else "nothing to watch yet",
        monitor_late=alive.late and release is not None,
        open_alerts=sum(alert.fired_at is not None for alert in alerts),
    )


def _facts(workshop: Workshop, release: Release | None) -> Facts:
    verdict = last_verdict(workshop)
    dataset = _if_whole(workshop.layout.processed / "dataset.json", Dataset)
    tried = verdict.version if verdict else release.version if release else None
    preflight = _preflight(workshop, tried) if tried else ()
    if not preflight and release is not None:
        preflight = _preflight(workshop, release.version)
    return Facts(
        gates=verdict.gates if verdict else (),
        preflight=preflight,
        checks=dataset.checks if dataset else (),
        groups=_groups(workshop, dataset),
        observations=_observations(workshop, release),
    )


def _observations(workshop: Workshop, release: Release | None) -> Sequence[Observation]:
    if release is None:
        return ()
    kept = workshop.state.observations(limit=OBSERVATIONS_READ)
    return current(seen for seen in kept if is_live(seen) or seen.version == release.version)


def _preflight(workshop: Workshop, version: str) -> tuple[Gate, ...]:
    """What the version showed before any traffic; nothing where it was not tried."""
    page = f"reports/preflight_{version}.html"
    kept = _if_whole(reports_folder(workshop, page) / f"preflight_{version}.json", _Kept)
    checks: Any = kept.evidence.get("figures", {}).get("checks", ()) if kept else ()
    return tuple(msgspec.convert(check, Gate) for check in checks)


@dataclass(frozen=True, slots=True)
class _Kept:
    """The part of a kept pre-flight that is read here."""

    evidence: Mapping[str, Any]


def _groups(workshop: Workshop, dataset: Dataset | None) -> Mapping[str, str] | None:
    """Per required group of features what stands for it in what was made; None before anything was made."""
    plan = _if_whole(workshop.layout.features / "plan.json", FeaturePlan)
    if plan is None or dataset is None:
        return None
    rows = {extract.source: extract.rows for extract in dataset.extracts}
    return {name: _group(name, plan, rows) for name in workshop.project.data_requirements.features}


def _group(name: str, plan: FeaturePlan, rows: Mapping[str, int]) -> str:
    if name in plan.views:
        there = [field for field in plan.views[name] if field in plan.features]
        return f"a view of {len(there)} features" if there else ""
    if name in plan.features:
        return "a feature"
    return f"a source of {rows[name]:,} rows" if rows.get(name) else ""


def _if_whole(path: Path, kind: type[T]) -> T | None:
    try:
        return read_record(path, kind)
    except (NotAvailable, CorruptArtifact):
        return None
