"""The stage: reads what was made, measures it, lets every gate speak, writes verdict and pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

from rondo.bundle.bundle import Bundle, load_bundle
from rondo.contract import Project
from rondo.errors import CorruptArtifact, NotAvailable
from rondo.ports.progress import Progress
from rondo.records.candidate import Measured, TrainingResult
from rondo.records.features import FeatureTable
from rondo.records.files import publish_folder, read_record, to_json, write_bytes, write_record
from rondo.records.metrics import difference, is_known
from rondo.records.verdict import Gate, Verdict
from rondo.stages.validation import evidence, gates
from rondo.stages.validation.answers import Answers, Resampling
from rondo.stages.validation.attribution import Attributions, attribute, interpretability_gate
from rondo.stages.validation.evaluation import Evaluation, evaluate, metrics_to_measure
from rondo.stages.validation.forecast import METRIC as NAIVE_METRIC
from rondo.stages.validation.forecast import against_naive, read_origins, test_series
from rondo.stages.validation.integrity import integrity_gates
from rondo.stages.validation.judgement import decide, not_judged
from rondo.stages.validation.lists import against_simple_orders, test_groups
from rondo.stages.validation.report import Report, evaluation_page, model_card_page
from rondo.stages.validation.slices import Slice, slice_rows

STEPS = 5


def judge(
    project: Project,
    *,
    features: Path,
    training: Path,
    bundle: Path,
    production: Path | None,
    out: Path,
    reports: Path,
    now: Callable[[], datetime],
    progress: Progress,
) -> Verdict:
    """The judgement on the bundle; `out` gets verdict.json, evaluation.json and metrics.json, `reports` the pages.

    Args:
        features: folder of the features stage: matrix and table.
        training: folder of the training stage: split and result.
        bundle: folder of the candidate's bundle.
        production: folder of the bundle in production; None before the first release.
        out: replaced whole.
        reports: gets evaluation.html and model_card.html, whatever the judgement.

    Raises:
        NotAvailable: something that a stage before this one leaves is not there.
        CorruptArtifact: the candidate's bundle, the matrix or the split is not what was written.
    """
    progress.step("validation", 0, STEPS, "bundle")
    candidate = load_bundle(bundle)
    table = read_record(features / "table.json", FeatureTable)
    result = read_record(training / "result.json", TrainingResult)
    rows = evidence.read_test_rows(features, training)
    resampling = Resampling(project.validation.bootstrap, project.validation.confidence, result.seed)

    progress.step("validation", 1, STEPS, f"{rows.height:,} test rows")
    answers = evidence.answer(candidate, rows, table.target)
    groups = test_groups(rows, table) or test_series(features, training, table)
    answers = replace(answers, groups=groups)
    evaluation = _evaluate(project, answers, resampling)
    progress.step("validation", 2, STEPS, "slices")
    slices, left_out = _slices(project, answers, rows, evaluation, resampling)
    evaluation = replace(evaluation, slices=slices, slices_left_out=left_out)

    progress.step("validation", 3, STEPS, "production")
    theirs, comparison = _production(
        project, production, candidate, rows, table, answers, evaluation, resampling
    )
    beaten = against_naive(answers, resampling)
    orders = against_simple_orders(
        answers, rows, tuple(evaluation.measured), project.ml_problem.success_metric, resampling
    )
    attributions = attribute(candidate, *evidence.model_inputs(candidate, rows))
    spoken = (
        *_asked(project, candidate, rows, evaluation.measured),
        *_understood(project, result, attributions),
        *([gates.naive_gate(NAIVE_METRIC, beaten)] if beaten else []),
        *([gates.order_gate(orders, project.validation.min_uplift)] if orders else []),
        *([gates.comparison_gate(comparison, project.validation.tolerance)] if comparison else []),
        *integrity_gates(candidate, table, result, answers, evaluation),
    )
    judgement, reasons = decide(spoken)
    verdict = Verdict(
        judgement=judgement,
        gates=spoken,
        reasons=tuple(reason for reason in (*reasons, not_judged(project)) if reason),
        bundle_id=candidate.bundle_id,
        version=candidate.manifest.version,
        judged_at=now(),
        compared_with=comparison.version if comparison else None,
        metrics={name: one.value for name, one in evaluation.measured.items() if one.value is not None},
    )
    progress.step("validation", 4, STEPS, "pages")
    report = Report(
        project, verdict, evaluation, candidate.manifest, result, table, comparison, theirs,
        beaten, read_origins(training, result), orders, attributions,
    )  # fmt: skip
    _write(out, reports, report)
    progress.step("validation", STEPS, STEPS, judgement)
    return verdict


def _evaluate(project: Project, answers: Answers, resampling: Resampling) -> Evaluation:
    success = project.ml_problem.success_metric
    asked = project.success_criteria.offline_metrics
    forecast = project.ml_problem.type == "forecasting"
    names = metrics_to_measure(answers.task, success, asked, forecast=forecast)
    return evaluate(answers, names, success, resampling)


def _slices(
    project: Project, answers: Answers, rows: pl.DataFrame, evaluation: Evaluation, resampling: Resampling
) -> tuple[tuple[Slice, ...], tuple[str, ...]]:
    """The slices asked for, and the columns that the rows do not have."""
    metric = project.ml_problem.success_metric
    columns = [name for name in project.validation.slices if name in rows.columns]
    left_out = tuple(name for name in project.validation.slices if name not in rows.columns)
    if metric not in evaluation.measured:
        return (), left_out
    slices: list[Slice] = []
    for name in columns:
        column = rows[name]
        numbers = column.dtype.is_numeric()
        slices += slice_rows(
            answers,
            name,
            column.cast(pl.Float64).fill_null(np.nan).to_numpy()
            if numbers
            else column.cast(pl.String).to_list(),
            metric=metric,
            overall=evaluation.measured[metric],
            least_rows=project.validation.min_slice_rows,
            resampling=resampling,
        )
    return tuple(slices), left_out


def _production(
    project: Project,
    folder: Path | None,
    candidate: Bundle,
    rows: pl.DataFrame,
    table: FeatureTable,
    answers: Answers,
    evaluation: Evaluation,
    resampling: Resampling,
) -> tuple[Evaluation | None, gates.Comparison | None]:
    """Production on the same rows, and the comparison; nothing before the first release."""
    if folder is None:
        return None, None
    metric = project.ml_problem.success_metric
    ours = evaluation.measured.get(metric, Measured(None, note=f"nothing computes {metric}"))
    try:
        production = load_bundle(folder)
    except (CorruptArtifact, NotAvailable) as error:
        note = f"the bundle in production cannot be loaded: {error.what}"
        return None, gates.Comparison(metric, "production", ours, Measured(None), None, note)
    version = production.manifest.version
    recorded = Measured(production.manifest.metrics.get(metric), note=f"{version} recorded no {metric}")
    why_not = evidence.why_not_same_rows(production, candidate, rows)
    if why_not or not is_known(metric, answers.task):
        note = why_not or f"nothing computes {metric}"
        return None, gates.Comparison(metric, version, ours, recorded, None, note)
    theirs = replace(evidence.answer(production, rows, table.target), groups=answers.groups)
    both = difference(
        metric, answers.y, answers.score, theirs.score, answers.threshold, theirs.threshold,
        task=answers.task, resamples=resampling.for_rows(rows.height), confidence=resampling.confidence,
        seed=resampling.seed, groups=answers.groups,
    )  # fmt: skip
    # The pages show production's figures and curves; the interval that counts is that of the difference.
    judged = _evaluate(project, theirs, replace(resampling, resamples=0))
    return judged, gates.Comparison(metric, version, ours, judged.measured[metric], both)


def _asked(
    project: Project, candidate: Bundle, rows: pl.DataFrame, measured: Mapping[str, Measured]
) -> tuple[Gate, ...]:
    """The gates of the project file."""
    problem, limits = project.ml_problem, project.constraints
    spoken = [*gates.criterion_gates(project.success_criteria.offline_metrics, measured)]
    if problem.baseline is not None:
        spoken.append(gates.baseline_gate(problem.success_metric, problem.baseline, measured))
    if limits.model_size is not None:
        spoken.append(gates.size_gate(limits.model_size, candidate.size_bytes))
    if limits.latency is not None:
        spoken.append(gates.latency_gate(limits.latency, _times(candidate, rows)))
    return tuple(spoken)


def _understood(project: Project, result: TrainingResult, attributions: Attributions) -> tuple[Gate, ...]:
    """The gate of constraints.interpretability, where something is asked."""
    if (asked := project.constraints.interpretability) is None:
        return ()
    gate = interpretability_gate(asked, attributions, bool(result.best.importance))
    return (gate,) if gate else ()


def _times(candidate: Bundle, rows: pl.DataFrame) -> tuple[float, ...]:
    """Seconds per request: of one row, or of a whole list of candidates."""
    lists = candidate.plan.lists
    at_once = 1 if lists is None else lists.popular + lists.own + lists.together
    return evidence.time_requests(candidate, rows, at_once=at_once)


def _write(out: Path, reports: Path, report: Report) -> None:
    """Pages first: whoever finds a verdict finds its pages too."""
    write_bytes(reports / "evaluation.html", evaluation_page(report).encode())
    write_bytes(reports / "model_card.html", model_card_page(report).encode())
    with publish_folder(out) as folder:
        write_record(folder / "verdict.json", report.verdict)
        write_record(folder / "evaluation.json", report.evaluation)
        write_bytes(folder / "metrics.json", to_json(dict(report.verdict.metrics)))
