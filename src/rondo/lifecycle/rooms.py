"""Opens each room with what it needs: artefacts of the stage before, keepers of the workshop.

A room is imported when it is opened, so that a run in which nothing changed loads none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from rondo.bundle.plan import FeaturePlan
from rondo.errors import NotAvailable
from rondo.lifecycle.needed_views import needed_views
from rondo.lifecycle.order import METRICS, claimed_outputs, extracted
from rondo.lifecycle.workshop import Workshop
from rondo.records.candidate import Candidate, TrainingResult
from rondo.records.dataset import Dataset
from rondo.records.features import FeatureTable
from rondo.records.files import read_record, write_bytes
from rondo.records.release import Release
from rondo.records.verdict import Verdict

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rooms:
    """The built-in stages of one project.

    `fixed` is set in a round that refits the candidate of production instead of searching again.
    """

    workshop: Workshop
    fixed: Candidate | None = None

    def open(self, stage: str) -> str:
        """Does the stage and tells the result in a sentence."""
        doors: Mapping[str, Callable[[], str]] = {
            "extract": self._extract,
            "data": self._data,
            "features": self._features,
            "training": self._training,
            "packaging": self._packaging,
            "validation": self._validation,
        }
        return doors[stage]()

    def _extract(self) -> str:
        from rondo.stages import data

        shop = self.workshop
        extracts = data.extract(
            shop.project,
            folder=shop.layout.root,
            out=shop.layout.raw,
            readers=shop.readers,
            resolve=shop.resolve,
            now=shop.clock(),
            progress=shop.progress,
            start_service=shop.start_service,
        )
        return ", ".join(f"{extract.rows:,} rows from {extract.source}" for extract in extracts)

    def _data(self) -> str:
        from rondo.stages import data

        shop = self.workshop
        dataset = data.prepare(
            shop.project,
            raw=shop.layout.raw,
            out=shop.layout.processed,
            reports=reports_folder(shop, "reports/data_validation.html"),
            previous=_if_there(shop.layout.processed / "dataset.json", Dataset),
            now=shop.clock(),
            progress=shop.progress,
        )
        warned = sum(check.status == "warned" for check in dataset.checks)
        checks = f"{len(dataset.checks) - warned} checks passed" + (f", {warned} warn" if warned else "")
        return f"version {dataset.version}, {dataset.rows:,} rows, {checks}"

    def _features(self) -> str:
        from rondo.stages import features

        shop = self.workshop
        plan = _if_there(shop.layout.features / "plan.json", FeaturePlan)
        before = _if_there(shop.layout.features / "table.json", FeatureTable)
        table = features.build(
            shop.project,
            root=shop.layout.root,
            processed=shop.layout.processed,
            out=shop.layout.features,
            previous=(plan, before) if plan and before else None,
            store=shop.features,
            needed=needed_views(shop.state, shop.layout.root),
            now=shop.clock(),
            progress=shop.progress,
        )
        proof = f", {table.parity.values:,} values equal in batch and online" if table.parity else ""
        return f"version {table.version}, {table.rows:,} rows of {len(table.features)} features{proof}"

    def _training(self) -> str:
        from rondo.stages import training

        shop = self.workshop
        result = training.train(
            shop.project,
            features=shop.layout.features,
            out=shop.layout.training,
            tracker=shop.tracker,
            tuner=shop.tuner,
            fixed=self.fixed,
            now=shop.clock(),
            progress=shop.progress,
        )
        best, metric = result.best, result.success_metric
        measured = best.test.get(metric)
        found = f"{measured.value:.4f}" if measured and measured.value is not None else "not computable"
        return f"{best.estimator.rpartition('.')[2]} wins of {len(result.leaderboard)}, test {metric} {found}"

    def _packaging(self) -> str:
        from rondo.stages import packaging

        shop = self.workshop
        lineage = lineage_of(shop)
        version, reason = _version(shop, lineage)
        manifest = packaging.package(
            shop.project,
            features=shop.layout.features,
            training=shop.layout.training,
            out=shop.layout.bundle,
            version=version,
            version_reason=reason,
            lineage=lineage,
            tracker=shop.tracker,
            now=shop.clock(),
            progress=shop.progress,
        )
        return f"version {manifest.version} ({manifest.version_reason})"

    def _validation(self) -> str:
        from rondo.stages import validation

        shop = self.workshop
        release = shop.state.production()
        verdict = validation.judge(
            shop.project,
            features=shop.layout.features,
            training=shop.layout.training,
            bundle=shop.layout.bundle,
            production=shop.layout.root / release.bundle if release else None,
            out=shop.layout.validation,
            reports=reports_folder(shop, "reports/evaluation.html"),
            now=shop.clock,
            progress=shop.progress,
        )
        write_bytes(shop.layout.root / METRICS, (shop.layout.validation / "metrics.json").read_bytes())
        passed = sum(gate.status == "passed" for gate in verdict.gates)
        return f"{verdict.judgement}: {passed} of {len(verdict.gates)} gates passed"


def reports_folder(workshop: Workshop, page: str) -> Path:
    """Where a page goes: aside when a script of the user writes that page."""
    folder = workshop.layout.reports
    return folder / "rondo" if page in claimed_outputs(workshop.project) else folder


def lineage_of(workshop: Workshop) -> dict[str, Any]:
    """What a bundle is made from: data, features, code, run and seed, each with version and hash."""
    layout = workshop.layout
    dataset = read_record(layout.processed / "dataset.json", Dataset)
    table = read_record(layout.features / "table.json", FeatureTable)
    result = read_record(layout.training / "result.json", TrainingResult)
    numerical, categorical = workshop.project.features.numerical, workshop.project.features.categorical
    extracts = (layout.root / path for path in extracted(workshop.project))
    return {
        "data_version": dataset.version,
        "data_hash": dataset.content_hash,
        "data_rows": dataset.rows,
        "data_from": dataset.event_from,
        "data_to": dataset.event_to,
        "dvc": dict(workshop.data_versions(*extracts, layout.processed, layout.features)),
        "features_version": table.version,
        "plan_hash": table.plan_hash,
        "code": dict(workshop.code_version()),
        "run_id": result.best.run_id,
        "study": result.study,
        "seed": result.seed,
        "trained_at": result.trained_at,
        "preparation": f"{numerical.scaler} scaler, {numerical.impute} imputation, {categorical.encoder} encoder",
        "previous_version": production.version if (production := workshop.state.production()) else "",
    }


def _version(workshop: Workshop, lineage: Mapping[str, Any]) -> tuple[str, str]:
    from rondo.bundle.manifest import Manifest
    from rondo.bundle.versions import candidate_fingerprint, fingerprint, next_version

    layout, problem = workshop.layout, workshop.project.ml_problem
    new = candidate_fingerprint(
        read_record(layout.training / "result.json", TrainingResult),
        read_record(layout.features / "plan.json", FeaturePlan),
        problem_type=problem.type,
        target=problem.target,
        lineage=lineage,
    )
    releases = workshop.state.releases()
    before = workshop.state.production() or (releases[-1] if releases else None)
    if before is None:
        return next_version(None, new)
    folder = _bundle_of(workshop, before)
    old = fingerprint(
        read_record(folder / "manifest.json", Manifest), read_record(folder / "plan.json", FeaturePlan)
    )
    return next_version(old, new, taken=[release.version for release in releases])


def _bundle_of(workshop: Workshop, release: Release) -> Path:
    """The release's folder on this machine, fetched from the registry when it is not here."""
    folder = workshop.layout.root / release.bundle
    if not folder.exists():
        workshop.registry.fetch(workshop.project.project, release.registry_version, folder)
    return folder


def _if_there(path: Path, kind: type[T]) -> T | None:
    try:
        return read_record(path, kind)
    except NotAvailable:
        return None


def last_verdict(workshop: Workshop) -> Verdict | None:
    """The newest judgement, None before the first."""
    return _if_there(workshop.layout.validation / "verdict.json", Verdict)
