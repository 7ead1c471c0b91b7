"""Contributions over the judged rows, and the gate that asks for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rondo.bundle.bundle import Bundle
from rondo.bundle.explanation import Explainer
from rondo.bundle.golden import Golden
from rondo.contract import Project
from rondo.records.verdict import Gate, Verdict
from rondo.stages.validation.attribution import Attributions, attribute, interpretability_gate
from rondo.testing.bundles import tiny_bundle, tiny_rows

MakeWorld = Callable[..., Any]
MakeProject = Callable[..., Project]


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return tiny_bundle(tmp_path / "bundle", explained=True)


def named(verdict: Verdict, name: str) -> Gate:
    return next(gate for gate in verdict.gates if gate.name == name)


def test_importance_is_the_mean_size_of_the_contributions(bundle: Bundle) -> None:
    rows = tiny_rows(bundle.plan, 300)
    found = attribute(bundle, *rows)
    sizes = np.abs(bundle.explain(*rows).values[:, 0]).mean(axis=0)
    assert found.rows == 300
    assert found.verified == 308
    assert dict(found.importance) == pytest.approx(
        dict(zip(bundle.plan.features, sizes, strict=True)), rel=1e-9
    )
    assert [size for _, size in found.importance] == sorted((s for _, s in found.importance), reverse=True)
    assert found.scale == "log-odds"


def test_examples_lead_from_the_base_to_their_score(bundle: Bundle) -> None:
    rows = tiny_rows(bundle.plan, 300)
    high, doubtful, low = attribute(bundle, *rows).examples
    scores = bundle.scores(*rows)
    assert (high.score, low.score) == (scores.max(), scores.min())
    assert abs(doubtful.score - 0.5) == np.abs(scores - 0.5).min()
    for one in (high, doubtful, low):
        total = one.base + sum(value for _, value in one.parts) + one.rest
        assert 1 / (1 + np.exp(-total)) == pytest.approx(one.score, abs=1e-6)
    assert any(name.startswith("age = ") for name, _ in high.parts)


def test_many_features_are_summed_up_beyond_the_greatest(tmp_path: Path) -> None:
    from rondo.testing.bundles import tiny_plan

    wide = tiny_bundle(tmp_path / "wide", plan=tiny_plan(width=12), explained=True)
    one = attribute(wide, *tiny_rows(wide.plan, 20)).examples[0]
    assert (len(one.parts), one.features_in_rest) == (8, 6)
    assert abs(one.rest) > 0


def test_no_rows_and_no_contributions_are_told_apart(bundle: Bundle, tmp_path: Path) -> None:
    none = attribute(bundle, *tiny_rows(bundle.plan, 0))
    assert (none.rows, none.examples, none.why_not) == (0, (), "")
    assert none.verified == 8
    plain = tiny_bundle(tmp_path / "plain")
    assert attribute(plain, *tiny_rows(plain.plan, 5)) == Attributions(why_not=plain.why_unexplained)


GOOD = Attributions(additivity=2e-7, tolerance=1e-6, verified=40, importance=(("age", 1.0),))


@pytest.mark.parametrize(
    ("asked", "found", "importance", "status"),
    [
        ("high", GOOD, True, "passed"),
        ("high", replace(GOOD, additivity=2e-6), True, "failed"),
        ("high", replace(GOOD, additivity=float("inf")), True, "failed"),
        ("high", replace(GOOD, additivity=float("nan")), True, "failed"),
        ("high", replace(GOOD, additivity=None), True, "missing"),
        ("high", Attributions(why_not="it is a net"), True, "failed"),
        ("medium", Attributions(why_not="it is a net"), True, "passed"),
        ("medium", GOOD, False, "passed"),
        ("medium", Attributions(why_not="it is a net"), False, "failed"),
    ],
)
def test_what_is_asked_decides(asked: Any, found: Attributions, importance: bool, status: str) -> None:
    gate = interpretability_gate(asked, found, importance)
    assert gate is not None
    assert (gate.name, gate.kind, gate.status) == ("interpretability", "constraint", status)
    if found.why_not and status == "failed":
        assert "it is a net" in gate.evidence


def test_low_asks_nothing() -> None:
    assert interpretability_gate("low", Attributions(why_not="it is a net"), False) is None


def test_a_model_that_explains_passes_and_the_pages_show_it(world: MakeWorld, project: MakeProject) -> None:
    made = world(explained=True)
    verdict = made.judge(project(constraints={"interpretability": "high"}))
    gate = named(verdict, "interpretability")
    assert (verdict.judgement, gate.status, gate.n) == ("ship", "passed", 308)
    page = (made.root / "reports" / "evaluation.html").read_text()
    assert "What the answers are made of" in page
    assert page.count('aria-label="contributions of one row"') == 3
    assert 'aria-label="feature importance"' not in page
    card = (made.root / "reports" / "model_card.html").read_text()
    assert 'aria-label="mean contribution by feature"' in card


def test_a_model_that_cannot_is_rejected_by_name_with_the_reason(
    world: MakeWorld, project: MakeProject
) -> None:
    made = world()
    verdict = made.judge(project(constraints={"interpretability": "high"}))
    assert verdict.judgement == "reject"
    assert verdict.reasons[0].startswith("interpretability failed: no figure")
    assert "made before contributions were kept" in verdict.reasons[0]
    assert (
        "No contributions of the features to single answers"
        in (made.root / "reports" / "evaluation.html").read_text()
    )


def test_contributions_that_stopped_adding_up_are_refused(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = tiny_rows(bundle.plan, 50)
    original = Explainer.contributions
    monkeypatch.setattr(
        Explainer,
        "contributions",
        lambda self, *given: replace(original(self, *given), base=self.base + 0.01),
    )
    gate = interpretability_gate("high", attribute(bundle, *rows), True)
    assert gate is not None
    assert gate.status == "failed"
    assert gate.found is not None
    assert gate.found > 1e-4


def test_without_golden_rows_nothing_was_verified(bundle: Bundle) -> None:
    bare = replace(bundle, golden=Golden((), (), ()))
    assert attribute(bare, *tiny_rows(bundle.plan, 5)).additivity is None
