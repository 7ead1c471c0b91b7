"""The two pages: the evaluation, for whoever decides, and the model card, for whoever uses the model.

Pure: records in, HTML out. A page says nothing that the records do not say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from rondo.bundle.manifest import Manifest
from rondo.contract import Project
from rondo.pages import moment, number, render, seconds, share
from rondo.records.candidate import Measured, TrainingResult
from rondo.records.features import FeatureTable
from rondo.records.metrics import bigger_is_better, canonical
from rondo.records.verdict import Gate, Verdict
from rondo.stages.validation.attribution import Attributions
from rondo.stages.validation.evaluation import Evaluation
from rondo.stages.validation.forecast import Origins
from rondo.stages.validation.gates import Beaten, Comparison
from rondo.stages.validation.judgement import not_judged
from rondo.stages.validation.lists import Orders

Row = tuple[str, str]

HEADLINES = {
    "ship": "Ship: every gate passed",
    "hold": "Hold: a person decides",
    "reject": "Reject",
    "inconclusive": "Inconclusive: the evidence does not suffice",
}
UNBOUNDED = frozenset({"log_loss", "rmse", "mae", "mape", "r2", "mase", "wape", "smape"})
SIZES = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that the pages are written from."""

    project: Project
    verdict: Verdict
    evaluation: Evaluation
    manifest: Manifest
    result: TrainingResult
    table: FeatureTable
    comparison: Comparison | None = None
    production: Evaluation | None = None  # on the same rows
    beaten: Beaten | None = None  # the seasonal naive forecast beside it
    origins: Origins | None = None
    orders: Orders | None = None  # of a ranking: simple orders of the same candidates
    attributions: Attributions | None = None


def evaluation_page(report: Report) -> str:
    """reports/evaluation.html"""
    evaluation, verdict = report.evaluation, report.verdict
    return render(
        "rondo.stages.validation/evaluation.html",
        **_head(report, "evaluation"),
        reasons=verdict.reasons[1:],
        gates=[(gate, _asked(gate), found(gate), _interval(gate)) for gate in verdict.gates],
        metrics=_metrics(report),
        evaluation=evaluation,
        pictures=evaluation.pictures,
        curves=_curves(report),
        confusion=_confusion(evaluation),
        importance=_importance(report),
        attributions=report.attributions,
        comparison=report.comparison,
        origins=_origins(report.origins),
        orders=_orders(report.orders, report.evaluation),
        gain_note=_direction(evaluation.success_metric),
        split=_split(report),
        origin=_origin(report),
        leaderboard=_leaderboard(report.result),
        confidence=report.project.validation.confidence,
        by_chance=_by_chance(report),
        production_shown=report.comparison.version if report.production and report.comparison else "",
        calibration=[(b.predicted, b.observed, b.low, b.high) for b in evaluation.pictures.calibration],
    )


def model_card_page(report: Report) -> str:
    """reports/model_card.html"""
    return render(
        "rondo.stages.validation/model_card.html",
        **_head(report, "model card"),
        objective=report.project.business_objective,
        use=_use(report),
        data=_data(report),
        model=_model(report),
        metrics=_metrics(report),
        evaluation=report.evaluation,
        attributions=report.attributions,
        limits=_limits(report),
        origin=_origin(report),
        steps=_steps(report),
        confidence=report.project.validation.confidence,
    )


def found(gate: Gate) -> str:
    """The gate's figure as people read it: bytes and seconds with their units."""
    if gate.found is None:
        return "–"
    if gate.kind == "constraint" and gate.name == "model_size":
        for size, unit in SIZES:
            if gate.found >= size:
                return f"{gate.found / size:.3g} {unit}"
        return f"{gate.found:.0f} B"
    if gate.kind == "constraint" and gate.name == "latency":
        return f"{gate.found * 1e3:.3g} ms"
    return number(gate.found)


def flat(values: Mapping[str, Any], before: str = "") -> Iterator[Row]:
    """Every leaf of nested mappings with its dotted name; lists as one text."""
    for key, value in values.items():
        name = f"{before}{key}"
        if isinstance(value, Mapping):
            yield from flat(value, f"{name}.")
        elif isinstance(value, list | tuple):
            yield name, ", ".join(map(str, value)) or "–"
        else:
            yield name, "–" if value is None or value == "" else str(value)


def _head(report: Report, kind: str) -> dict[str, Any]:
    verdict, evaluation, problem = report.verdict, report.evaluation, report.project.ml_problem
    success = evaluation.measured.get(evaluation.success_metric, Measured(None))
    facts: list[Row] = [
        (evaluation.success_metric, number(success.value)),
        (f"{share(report.project.validation.confidence, 0)} interval", _short_bounds(success)),
        ("baseline", number(problem.baseline)),
        ("in production", verdict.compared_with or "nothing yet"),
        ("test rows", number(evaluation.n)),
        ("model", report.manifest.estimator.rpartition(".")[2]),
    ]
    return {
        "title": f"{report.project.project} {verdict.version}",
        "above": f"Rondo · {kind}",
        "subtitle": report.project.business_objective,
        "verdict": verdict.judgement,
        "verdict_text": HEADLINES[verdict.judgement],
        "verdict_reason": verdict.reasons[0] if verdict.reasons else "",
        "facts": facts,
        "footer": f"Written by Rondo · judged {moment(verdict.judged_at)} · bundle {verdict.bundle_id[:16]}",
    }


def _metrics(report: Report) -> list[dict[str, Any]]:
    theirs = report.production.measured if report.production else {}
    rows = []
    for name, one in report.evaluation.measured.items():
        unit = one.low is not None and canonical(name) not in UNBOUNDED
        rows.append(
            {
                "name": name,
                "better": "more" if bigger_is_better(name) else "less",
                "measured": one,
                "bounds": _bounds(one),
                "unit": unit,
                "production": number(theirs[name].value) if name in theirs else "",
            }
        )
    return rows


def _curves(report: Report) -> dict[str, dict[str, Any]]:
    """Per picture the lines by name, production beside the candidate where it answered the same rows."""
    models = {report.verdict.version: report.evaluation}
    if report.production and report.comparison:
        theirs = report.comparison.version
        models[f"{theirs} (production)" if theirs in models else theirs] = report.production
    return {
        "roc": {name: one.pictures.roc for name, one in models.items() if one.pictures.roc},
        "precision_recall": {
            name: one.pictures.precision_recall
            for name, one in models.items()
            if one.pictures.precision_recall
        },
    }


def _importance(report: Report) -> list[tuple[str, float]]:
    """As training told it, where there are no contributions that say it better."""
    if report.attributions is not None and report.attributions.importance:
        return []
    return sorted(report.result.best.importance.items(), key=lambda item: -abs(item[1]))


def _confusion(evaluation: Evaluation) -> list[dict[str, Any]]:
    rows = []
    for name, counts in zip(evaluation.classes, evaluation.pictures.confusion, strict=False):
        total = sum(counts)
        cells = [(count, count / total if total else 0.0) for count in counts]
        rows.append({"name": name, "cells": cells, "total": total})
    return rows


def _split(report: Report) -> list[Row]:
    split = report.result.split
    rows = [
        ("split by", report.project.training.split.by),
        ("training rows", number(split.train)),
        ("validation rows", number(split.validation)),
        ("test rows", number(split.test)),
        ("rows left out in the gaps", number(split.left_out)),
    ]
    if split.validation_from is not None:
        rows.append(("validation begins", moment(split.validation_from)))
    if split.test_from is not None:
        rows.append(("test begins", moment(split.test_from)))
    return rows


def _origin(report: Report) -> list[Row]:
    result, table, manifest = report.result, report.table, report.manifest
    rows = [
        ("model version", f"{manifest.version} ({manifest.version_reason})"),
        ("bundle", report.verdict.bundle_id),
        ("data version", result.data_version),
        ("data hash", result.data_hash),
        ("features version", f"{table.version} ({table.version_reason})"),
        ("feature plan hash", result.plan_hash),
        ("training run", result.best.run_id),
        ("experiment", result.experiment),
        ("trained at", moment(result.trained_at)),
        ("seed", str(result.seed)),
        ("graph against trained model", f"at most {manifest.largest_difference:.2g} apart"),
    ]
    told = {value for _, value in rows}
    rows += [row for row in flat(manifest.lineage) if row[1] not in told]
    return [row for row in rows if row[1]]


def _leaderboard(result: TrainingResult) -> list[tuple[str, ...]]:
    metric = result.success_metric
    rows: list[tuple[str, ...]] = []
    for one in result.leaderboard:
        measured = one.validation.get(metric, Measured(None))
        rows.append((one.name, number(measured.value), _bounds(measured), str(one.trials), one.run_id))
    return rows


def _orders(orders: Orders | None, evaluation: Evaluation) -> dict[str, Any] | None:
    """What the lists hold, and the figures of the model beside those of the simple orders."""
    if orders is None:
        return None
    names = list(evaluation.measured)
    rows = [
        (who, *(number(found[name].value, 3) for name in names))
        for who, found in (("model", evaluation.measured), *orders.each.items())
    ]
    told = (
        f"{orders.lists:,} lists of {orders.owners:,} owners hold {orders.candidates:,} candidates; among them are "
        f"{orders.proposed:,} of {orders.wanted:,} wanted items ({orders.proposed / max(orders.wanted, 1):.1%})."
    )
    return {"head": ["order", *((name, "num") for name in names)], "rows": rows, "told": told}


def _origins(origins: Origins | None) -> dict[str, Any] | None:
    """Per origin what the model and the naive forecast came to, all together, and two pictures."""
    if origins is None:
        return None
    names = [name for name in ("mase", "wape", "mae") if name in origins.each[0].model]
    rows = [
        (
            f"{one.at:%Y-%m-%d} to {one.until:%Y-%m-%d}" + (" (test)" if one is origins.each[-1] else ""),
            number(one.learned),
            number(next(iter(one.model.values())).n),
            *(
                number(part[name].value, 3) if name in part else "–"
                for name in names
                for part in (one.model, one.naive)
            ),
        )
        for one in origins.each
    ]
    figures = (
        number(part[name], 3) if name in part else "–"
        for name in names
        for part in (origins.model, origins.naive)
    )
    rows.append(("together", "", number(origins.rows), *figures))
    head = ["judged on", ("learned from", "num"), ("rows", "num")]
    head += [(f"{name} {whose}", "num") for name in names for whose in ("model", "naive")]
    by = names[0]
    errors = {
        whose: [(one.at, part[by].value) for one, part in pairs if by in part]
        for whose, pairs in (
            ("model", [(one, one.model) for one in origins.each]),
            ("seasonal naive", [(one, one.naive) for one in origins.each]),
        )
    }
    days = {
        "true": [(day.at, day.true) for day in origins.days],
        "forecast": [(day.at, day.forecast) for day in origins.days],
        "seasonal naive": [(day.at, day.naive) for day in origins.days],
    }
    return {"head": head, "rows": rows, "metric": by, "errors": errors, "days": days}


def _by_chance(report: Report) -> str:
    """How many slices chance alone would call worse, so that nobody chases one."""
    judged = sum(1 for one in report.evaluation.slices if one.measured.low is not None)
    expected = judged * (1 - report.project.validation.confidence) / 2
    if judged < 2:
        return ""
    return f"Of {judged} slices about {expected:.1f} would be marked worse by chance alone."


def _direction(metric: str) -> str:
    return f"{'More' if bigger_is_better(metric) else 'Less'} of {metric} is better."


def _use(report: Report) -> list[Row]:
    problem, manifest = report.project.ml_problem, report.manifest
    rows = [
        ("predicts", f"{manifest.target} ({manifest.problem_type.replace('_', ' ')})"),
        ("about", problem.entity or "a row of the data"),
    ]
    if manifest.classes:
        rows.append(("classes", ", ".join(manifest.classes)))
    if len(manifest.classes) == 2:
        rows.append(("score", f"probability that {manifest.target} is {manifest.positive}"))
        rows.append(("decision", f"{manifest.positive} when the score is at least {manifest.threshold:g}"))
    if label := problem.label:
        after = f", {_duration(label.ahead)} after it was asked" if label.ahead else ""
        if label.sum is not None:
            rows.append(("is", f"the sum of `{label.sum}` over {_duration(label.within)}{after}"))
        else:
            what = "no row" if label.expect == "absent" else "a row"
            told = f"{what} with `{label.event}` follows within {_duration(label.within)}{after}"
            rows.append(("true when", told))
    rows.append(("measured by", report.evaluation.success_metric))
    return rows


def _data(report: Report) -> list[Row]:
    table, manifest = report.table, report.manifest
    words = ", ".join(
        f"{name} ({number(len(manifest.categories.get(name, ())))} values)" for name in manifest.categorical
    )
    return [
        ("data version", table.data_version),
        ("rows", number(table.rows)),
        *_split(report),
        (f"numerical features ({len(manifest.numerical)})", ", ".join(manifest.numerical) or "none"),
        (f"categorical features ({len(manifest.categorical)})", words or "none"),
    ]


def _model(report: Report) -> list[Row]:
    manifest = report.manifest
    size = sum(file.bytes for file in manifest.files.values())
    return [
        ("estimator", manifest.estimator),
        *((f"parameter {name}", value) for name, value in flat(manifest.params)),
        ("files", f"{len(manifest.files)}, together {number(round(size / 1e3))} kB"),
    ]


def _limits(report: Report) -> list[str]:
    """What is known not to be known, and where the model is known to be weaker."""
    evaluation, project = report.evaluation, report.project
    limits = []
    if report.result.split.test_from is not None:
        limits.append(
            f"Judged on rows from {moment(report.result.split.test_from)} on; other times were not tested."
        )
    else:
        limits.append(
            f"Judged on {evaluation.n:,} rows split by {project.training.split.by}: "
            "how it fares on later data was not tested."
        )
    limits += [
        f"{name} has no value: {one.note}." for name, one in evaluation.measured.items() if one.value is None
    ]
    limits += [
        f"Weaker where {one.column} is {one.value}: {evaluation.success_metric} "
        f"{number(one.measured.value)} {_bounds(one.measured)} on {one.n:,} rows."
        for one in evaluation.slices
        if one.worse
    ]
    small = [
        f"{one.column} = {one.value} ({one.n})" for one in evaluation.slices if one.measured.value is None
    ]
    if small:
        limits.append(f"Not measurable apart, or too few rows: {', '.join(small)}.")
    if evaluation.slices_left_out:
        limits.append(f"Not among the columns of the test rows: {', '.join(evaluation.slices_left_out)}.")
    if not project.validation.slices:
        limits.append("No slices are declared: whether it serves groups of people equally well is not known.")
    if report.manifest.categorical:
        limits.append(
            "A category that training did not know gets a code of its own; how well such rows are "
            "answered was not tested."
        )
    if report.attributions is not None and report.attributions.why_not:
        limits.append(
            f"Its answers come without contributions of the features: {report.attributions.why_not}."
        )
    error = evaluation.pictures.calibration_error
    if error is not None:
        limits.append(f"Scores differ from observed shares by {share(error)} on average (calibration error).")
    if gap := not_judged(project):
        limits.append(gap)
    return limits


def _steps(report: Report) -> list[str]:
    code = report.manifest.lineage.get("code")
    commit = code.get("commit") if isinstance(code, Mapping) else code
    steps = []
    if commit:
        steps.append(f"git checkout {commit}")
    steps += ["dvc pull", "rondo run"]
    if isinstance(code, Mapping) and code.get("dirty") == "yes":
        steps.append("# there were changes on top of the commit: it alone does not suffice")
    return steps


def _asked(gate: Gate) -> str:
    return gate.asked.replace(">=", "≥").replace("<=", "≤")


def _interval(gate: Gate) -> str:
    if gate.low is None or gate.high is None:
        return ""
    return f"[{number(gate.low)}, {number(gate.high)}]"


def _bounds(measured: Measured) -> str:
    if measured.low is None or measured.high is None:
        return "–"
    return f"[{number(measured.low)}, {number(measured.high)}]"


def _short_bounds(measured: Measured) -> str:
    if measured.low is None or measured.high is None:
        return "–"
    return f"{number(measured.low, 3)} – {number(measured.high, 3)}"


def _duration(length: timedelta) -> str:
    days = length.total_seconds() / 86_400
    return f"{days:g} days" if days >= 1 else seconds(length.total_seconds())
