"""Makes the bundle: the graph is compared with the trained model row by row before anything is published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rondo.bundle.bundle import class_scores, decide, write_bundle
from rondo.bundle.golden import TOLERANCE, Golden, as_golden, choose_rows, differences
from rondo.bundle.manifest import Manifest
from rondo.bundle.model import Model
from rondo.bundle.reference import CalibrationPoint, Reference, describe_calibration, describe_rows
from rondo.contract.project import Project
from rondo.errors import CorruptArtifact
from rondo.ports.progress import Progress
from rondo.ports.tracking import ExperimentTracker
from rondo.records.ranking import ranks
from rondo.stages.packaging.explaining import explain
from rondo.stages.packaging.inputs import Material, read_material

GOLDEN_ROWS = 32
_CHUNK_ROWS = 50_000


def package(
    project: Project,
    *,
    features: Path,
    training: Path,
    out: Path,
    version: str,
    version_reason: str,
    lineage: Mapping[str, Any],
    tracker: ExperimentTracker,
    now: datetime,
    progress: Progress,
) -> Manifest:
    """The manifest of the bundle that was published at `out` and logged to the best candidate's run.

    Args:
        project: the contract.
        features: the features room's folder.
        training: the training room's folder.
        out: where the bundle goes; what was there is replaced when everything held.
        version: the model's semantic version, MAJOR.MINOR.PATCH.
        version_reason: why it is that version.
        lineage: what it was made from; kept as it is.
        tracker: where the run of the best candidate is.
        now: the moment of making.
        progress: hears how far the work is.

    Raises:
        CorruptArtifact: the graph answers otherwise than the trained model; nothing was published.
        Conflict: features and training do not belong together.
        NotAvailable: one of them is not there.
    """
    material = read_material(features, training)
    model = Model(
        material.model,
        numerical=len(material.plan.numerical),
        categorical=len(material.plan.categorical),
        where=str(training / "model.onnx"),
    )
    manifest = _manifest(
        project, material, version=version, version_reason=version_reason, lineage=lineage, now=now
    )
    scores = _score_all(manifest, model, material, progress)
    difference = _compare(scores[material.test], material.answers, where=str(training / "model.onnx"))
    progress.say(f"the graph answers {material.test.size} test rows within {difference:.1e}")
    explained = explain(manifest, material, scores)
    progress.say(explained.why_not or "the contributions of the features add up to the answers")
    manifest = write_bundle(
        out,
        replace(manifest, largest_difference=difference, unexplained=explained.why_not),
        model=material.model,
        plan=material.plan,
        reference=_reference(project, manifest, material, scores),
        golden=_golden(material),
        python=material.python,
        explanation=explained.files,
    )
    if run_id := material.result.best.run_id:
        with tracker.resume(run_id) as run:
            run.log_folder(out, under="bundle")
    return manifest


def _manifest(
    project: Project,
    material: Material,
    *,
    version: str,
    version_reason: str,
    lineage: Mapping[str, Any],
    now: datetime,
) -> Manifest:
    best, plan = material.result.best, material.plan
    return Manifest(
        project=project.project,
        version=version,
        version_reason=version_reason,
        problem_type=project.ml_problem.type,
        target=project.ml_problem.target,
        positive=positive_class(material.result.classes),
        classes=material.result.classes,
        threshold=best.threshold,
        created_at=now,
        files={},
        numerical=plan.numerical,
        categorical=plan.categorical,
        categories={
            name: tuple(sorted({word for word in material.categorical[material.learned, column] if word}))
            for column, name in enumerate(plan.categorical)
        },
        estimator=best.estimator,
        params=best.params,
        metrics={name: measured.value for name, measured in best.test.items() if measured.value is not None},
        lineage=lineage,
    )


def positive_class(classes: tuple[str, ...]) -> str:
    """The class whose probability is the score: the second of two, as the features room codes it; else empty."""
    return classes[1] if len(classes) == 2 else ""


def _score_all(
    manifest: Manifest, model: Model, material: Material, progress: Progress
) -> NDArray[np.float64]:
    rows = len(material.numerical)
    parts = []
    for start in range(0, rows, _CHUNK_ROWS):
        chunk = slice(start, start + _CHUNK_ROWS)
        outputs = model.run(material.numerical[chunk], material.categorical[chunk])
        parts.append(class_scores(manifest, outputs))
        progress.step("scoring", min(start + _CHUNK_ROWS, rows), rows)
    return np.concatenate(parts)


def _compare(found: NDArray[np.float64], recorded: NDArray[np.float64], *, where: str) -> float:
    """The largest difference between the graph and the trained model on the test rows."""
    if found.shape != recorded.shape:
        raise CorruptArtifact(
            f"the graph gives answers of the shape {found.shape}, the trained model gave {recorded.shape}",
            where=where,
            mend="Run `rondo run training --force`.",
        )
    gaps = differences(found, recorded)
    worst = float(gaps.max())
    if worst > TOLERANCE:
        raise CorruptArtifact(
            f"the graph answers {int((gaps > TOLERANCE).sum())} of {gaps.size} test rows otherwise than the "
            f"trained model, by up to {worst:.2g}",
            where=where,
            rule=f"A model is released only if its graph agrees with it within {TOLERANCE:g}",
            mend="Train on values that float32 can hold, or choose an estimator whose conversion is exact.",
        )
    return worst


def _golden(material: Material) -> Golden:
    numbers, words = material.numerical[material.test], material.categorical[material.test]
    spread = material.answers if material.answers.ndim == 1 else material.answers.max(axis=1)
    chosen = choose_rows(numbers, words, spread, GOLDEN_ROWS)
    return as_golden(numbers[chosen], words[chosen], material.answers[chosen])


def _reference(
    project: Project, manifest: Manifest, material: Material, scores: NDArray[np.float64]
) -> Reference:
    """How the rows looked on which the model was judged.

    Not those it learned from: with a split by time the judged rows are the newest, so that a model that was accepted
    in today's world is not compared with the years before; and on rows that it knows a model is too sure of itself.
    Of a ranking those that would have been shown, since what is shown is what the log keeps.
    """
    rows = material.judged
    if material.groups is not None and material.plan.lists is not None:
        rows = rows & (ranks(scores, material.groups) <= material.plan.lists.shown)
    score, labels = decide(manifest, scores[rows])
    return describe_rows(
        (manifest.numerical, manifest.categorical),
        material.numerical[rows],
        material.categorical[rows],
        np.asarray(score),
        labels,
        bins=project.monitoring.bins,
        calibration=_calibration(manifest, material, project.monitoring.bins),
    )


def _calibration(manifest: Manifest, material: Material, bins: int) -> tuple[CalibrationPoint, ...]:
    """What the scores of the test rows stood for: monitoring estimates the accuracy with it before outcomes come."""
    return describe_calibration(material.answers, material.truth, bins) if manifest.positive else ()
