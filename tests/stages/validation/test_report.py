"""The pages say what the records say.

The stored pages in golden/ are compared byte by byte, but for the style sheet that all pages share;
RONDO_REGENERATE=1 writes them anew, to be looked at.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rondo.bundle.manifest import BundleFile, Manifest
from rondo.contract import Project
from rondo.records.candidate import Candidate, Measured, SplitSizes, TrainingResult
from rondo.records.features import FeatureTable
from rondo.records.verdict import Gate, Verdict
from rondo.stages.validation.answers import Answers, Resampling
from rondo.stages.validation.evaluation import Evaluation, evaluate
from rondo.stages.validation.gates import Comparison
from rondo.stages.validation.report import Report, evaluation_page, found, model_card_page
from rondo.stages.validation.slices import Slice

GOLDEN = Path(__file__).parent / "golden"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MakeProject = Callable[..., Project]
PAGES = {"evaluation": evaluation_page, "model_card": model_card_page}


def evaluation_of(task: str) -> Evaluation:
    """Forty answers, the same every time, without resampling: a page must not depend on a generator."""
    place = np.arange(40)
    score = (place * 7 % 40) / 40
    if task == "binary":
        answers = Answers((score + (place % 3) / 5 > 0.6).astype(float), score, ("no", "yes"), "yes", 0.5)
        metrics, success = ("auc_roc", "recall"), "auc_roc"
    elif task == "multiclass":
        rows = np.stack([score, 1 - score, np.full(40, 0.4)], axis=1) / 1.4
        answers = Answers((place % 3).astype(float), rows, ("a", "b", "c"), "", 0.5)
        metrics, success = ("accuracy",), "accuracy"
    else:
        answers = Answers(score * 10, score * 9 + place % 5, (), "", 0.5)
        metrics, success = ("rmse", "r2"), "rmse"
    return evaluate(answers, metrics, success, Resampling(0, 0.95, 1))


def report_of(project: Project, task: str = "binary") -> Report:
    evaluation = evaluation_of(task)
    success = evaluation.success_metric
    own = replace(evaluation.measured[success], low=0.81, high=0.93)
    evaluation = replace(
        evaluation,
        measured={
            **evaluation.measured,
            success: own,
            "f1": Measured(None, note="nothing is predicted positive"),
        },
        slices=(
            Slice("plan", "pro", 25, Measured(0.9, 0.8, 0.97, 25), 0.5, 0.48),
            Slice("plan", "basic", 12, Measured(0.6, 0.5, 0.7, 12), 0.4, 0.55, worse=True),
            Slice("plan", "(missing)", 3, Measured(None, n=3, note="fewer than 10 rows")),
        ),
        slices_left_out=("country",),
    )
    gates = (
        Gate(
            success, "criterion", ">= 0.8", own.value, "passed", "the interval reaches 0.81", 0.81, 0.93, 40
        ),
        Gate("precision", "criterion", ">= 0.9", 0.7, "failed", "", 0.6, 0.8, 40),
        Gate("f1", "criterion", ">= 0.5", None, "not_a_number", "nothing is predicted positive"),
        Gate("model_size", "constraint", "< 500MB", 85_086.0, "passed", "every file of the bundle"),
        Gate("latency", "constraint", "< 100ms", 0.00021, "passed", "p99 of one row", n=1000),
        Gate(
            f"{success} against 1.1.0", "comparison", "gain >= -0.008", 0.01, "passed", "", -0.005, 0.02, 40
        ),
    )
    verdict = Verdict(
        judgement="reject",
        gates=gates,
        reasons=("precision failed: 0.7 [0.6, 0.8], asked >= 0.9.", "f1 is not a number, asked >= 0.5."),
        bundle_id="b" * 64,
        version="1.2.0",
        judged_at=NOW,
        compared_with="1.1.0",
    )
    best = Candidate(
        name="forest",
        estimator="sklearn.ensemble.RandomForestClassifier",
        params={"n_estimators": 100},
        run_id="run7",
        tuned_score=0.8,
        validation={success: Measured(0.85, 0.8, 0.9, 40)},
        importance={"spend": 0.7, "plan": 0.3},
        trials=12,
    )
    result = TrainingResult(
        (best,), SplitSizes(120, 40, 40, 6, NOW, NOW), evaluation.classes, success, "churn", "study-1", NOW, 42,
        "1.1.0", "c" * 64, "2.0.0", "d" * 64,
    )  # fmt: skip
    manifest = Manifest(
        project=project.project,
        version="1.2.0",
        version_reason="features added: tickets",
        problem_type=project.ml_problem.type,
        target="churned",
        positive="yes" if task == "binary" else "",
        classes=evaluation.classes,
        threshold=0.5,
        created_at=NOW,
        files={"model.onnx": BundleFile("m" * 64, 84_000), "plan.json": BundleFile("p" * 64, 1086)},
        numerical=("spend",),
        categorical=("plan",),
        categories={"plan": ("basic", "pro")},
        estimator=best.estimator,
        params=best.params,
        metrics={},
        lineage={
            "data_version": "2.0.0",
            "code": {"commit": "0123abc", "dirty": "yes", "diff": "77"},
            "dvc": {"data/raw": "md5-1"},
        },
    )
    table = FeatureTable(
        "1.1.0", "features added: tickets", "c" * 64, "2.0.0", "d" * 64, 206, ("spend",), ("plan",), "churned",
        "user_id", "event_time", NOW, None,
    )  # fmt: skip
    difference = Measured(0.01, -0.005, 0.02, 40)
    comparison = Comparison(success, "1.1.0", own, Measured(0.84), difference)
    return Report(project, verdict, evaluation, manifest, result, table, comparison, evaluation_of(task))


def unstyled(html: str) -> str:
    return re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_as_it_was_stored(page: str, project: MakeProject) -> None:
    html = PAGES[page](report_of(project()))
    stored = GOLDEN / f"{page}.html"
    if os.environ.get("RONDO_REGENERATE"):
        stored.parent.mkdir(exist_ok=True)
        stored.write_text(html, encoding="utf-8")
    assert html == stored.read_text(encoding="utf-8"), (
        "look at the page, then store it with RONDO_REGENERATE=1"
    )


class Tags(HTMLParser):
    """Every start tag with its attributes, and whether each was closed."""

    VOID = frozenset({"meta", "br", "hr", "img", "input", "link"})

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_well_formed_and_loads_nothing(page: str, task: str, project: MakeProject) -> None:
    tags = Tags()
    tags.feed(PAGES[page](report_of(project(), task)))
    assert tags.open == []
    assert not {"script", "link", "iframe", "img"} & set(tags.names)
    assert not {"src", "href", "onload", "onclick"} & {name for name, _ in tags.attributes}


@pytest.mark.parametrize("page", PAGES)
def test_words_from_data_and_project_stay_words(page: str, project: MakeProject) -> None:
    evil = "<script>alert('x')</script>"
    report = report_of(project(business_objective=evil))
    report = replace(
        report,
        evaluation=replace(
            report.evaluation,
            slices=(Slice(evil, f'"{evil}', 30, Measured(0.9, 0.8, 0.95, 30), 0.1, 0.1),),
            slices_left_out=(evil,),
        ),
        manifest=replace(report.manifest, lineage={"note": evil}, params={evil: evil}),
    )
    html = PAGES[page](report)
    assert "<script" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("judgement", ["ship", "hold", "reject", "inconclusive"])
def test_only_a_model_that_ships_is_green(judgement: Any, project: MakeProject) -> None:
    report = report_of(project())
    html = evaluation_page(replace(report, verdict=replace(report.verdict, judgement=judgement)))
    assert ('<section class="verdict ok">' in html) == (judgement == "ship")


def test_the_card_tells_its_limits_from_facts(project: MakeProject) -> None:
    html = model_card_page(report_of(project(constraints={"throughput": "1000 req/s"})))
    assert "Weaker where plan is basic: auc_roc 0.6 [0.5, 0.7] on 12 rows." in html
    assert "Not measurable apart, or too few rows: plan = (missing) (3)." in html
    assert "Not judged here: constraints.throughput (&gt;= 1000 req/s)." in html
    assert "git checkout 0123abc" in html
    assert "it alone does not suffice" in html


def test_a_page_without_production_does_not_speak_of_it(project: MakeProject) -> None:
    report = replace(report_of(project()), comparison=None, production=None)
    assert "Against production" not in evaluation_page(report)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [("model_size", 512.0, "512 B"), ("model_size", 85_086.0, "85.1 kB"), ("model_size", 3.2e9, "3.2 GB"),
     ("latency", 0.00021, "0.21 ms"), ("model_size", None, "–")],
)  # fmt: skip
def test_figures_carry_their_units(name: str, value: float | None, text: str) -> None:
    assert found(Gate(name, "constraint", "", value, "passed")) == text
