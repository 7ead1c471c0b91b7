"""Whether the bundle is what was trained, on the rows that are judged, and says anything at all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rondo.bundle.bundle import Bundle
from rondo.bundle.golden import TOLERANCE, differences
from rondo.records.candidate import TrainingResult
from rondo.records.features import FeatureTable
from rondo.records.verdict import Gate
from rondo.stages.validation.answers import Answers
from rondo.stages.validation.evaluation import Evaluation
from rondo.stages.validation.evidence import strangers
from rondo.stages.validation.gates import exact_gate

SERVED_AS_TRAINED = 0.005
"""How far the success metric of the served answers may be from the trained model's; relative above 1."""


def integrity_gates(
    bundle: Bundle, table: FeatureTable, result: TrainingResult, answers: Answers, evaluation: Evaluation
) -> tuple[Gate, ...]:
    """The gates; the last one only where training recorded the success metric of the same rows."""
    return (
        _golden_rows(bundle),
        _same_origin(bundle, table),
        _answers(answers),
        *_served_as_trained(result, evaluation),
    )


def _golden_rows(bundle: Bundle) -> Gate:
    golden = bundle.golden
    gaps = differences(bundle.scores(*golden.matrices()), golden.answers) if golden.answers else np.empty(0)
    return exact_gate(
        "golden_rows",
        f"every difference <= {TOLERANCE:g}",
        float(gaps.max()) if gaps.size else None,
        bool((gaps <= TOLERANCE).all()),
        "answers of now against those of the trained model",
        int(gaps.size),
    )


def _same_origin(bundle: Bundle, table: FeatureTable) -> Gate:
    strange = strangers(bundle, table)
    asked = "plan and data of the test rows"
    return exact_gate(
        "same_origin", asked, float(bool(strange)), not strange, strange or "no differences", table.rows
    )


def _answers(answers: Answers) -> Gate:
    n, broken = len(answers.y), answers.broken
    different = len(np.unique(answers.score[np.isfinite(answers.score)]))
    told = f"{broken} of {n} answers are not finite" if broken else "different answers to the test rows"
    found = float(different) if n else None
    return exact_gate("answers", ">= 2 different, all finite", found, different >= 2 and not broken, told, n)


def _served_as_trained(result: TrainingResult, evaluation: Evaluation) -> Iterator[Gate]:
    metric = evaluation.success_metric
    trained, served = result.best.test.get(metric), evaluation.measured.get(metric)
    if trained is None or trained.value is None or served is None or served.value is None:
        return
    room = SERVED_AS_TRAINED * max(1.0, abs(trained.value))
    gap = abs(served.value - trained.value)
    told = f"{metric} of the served answers {served.value:.6g}, of the trained model {trained.value:.6g}"
    yield exact_gate("served_as_trained", f"<= {room:g}", gap, gap <= room, told, evaluation.n)
