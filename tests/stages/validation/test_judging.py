"""A bundle is judged on its test rows through the runtime that serves, beside the bundle in production."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from rondo.contract import Project
from rondo.errors import CorruptArtifact, NotAvailable
from rondo.records.features import FeatureTable
from rondo.records.files import read_record, write_record
from rondo.records.verdict import Gate, Verdict
from rondo.stages.validation.evaluation import Evaluation
from rondo.stages.validation.evidence import truth
from rondo.testing.bundles import tiny_plan

World = Any
MakeWorld = Callable[..., World]
MakeProject = Callable[..., Project]


def gate(verdict: Verdict, kind: str) -> Gate:
    (found,) = [one for one in verdict.gates if one.kind == kind]
    return found


def named(verdict: Verdict, name: str) -> Gate:
    (found,) = [one for one in verdict.gates if one.name == name]
    return found


def test_a_first_model_that_meets_its_criteria_ships(world: MakeWorld) -> None:
    here = world()
    verdict = here.judge()
    assert (verdict.judgement, verdict.version, verdict.compared_with) == ("ship", "1.0.0", None)
    assert verdict.reasons == ("All 5 gates passed.",)
    assert named(verdict, "auc_roc").n == 300


def test_everything_is_written_and_reads_back(world: MakeWorld) -> None:
    here = world()
    verdict = here.judge()
    out = here.root / "validation"
    assert read_record(out / "verdict.json", Verdict) == verdict
    assert read_record(out / "evaluation.json", Evaluation).n == 300
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["auc_roc"] == verdict.metrics["auc_roc"]
    assert {type(value) for value in metrics.values()} == {float}
    for page in ("evaluation.html", "model_card.html"):
        assert "tiny 1.0.0" in (here.root / "reports" / page).read_text()


def test_judging_twice_gives_the_same_bytes(world: MakeWorld) -> None:
    here = world()
    files = [here.root / "validation" / "verdict.json", here.root / "reports" / "evaluation.html"]
    here.judge(production=here.release())
    before = [file.read_bytes() for file in files]
    here.judge(production=here.release())
    assert [file.read_bytes() for file in files] == before


def test_a_criterion_that_is_not_met_rejects(world: MakeWorld, project: MakeProject) -> None:
    asked = project(success_criteria={"offline_metrics": {"auc_roc": {"min": 0.99}, "recall": {"min": 0.1}}})
    verdict = world().judge(asked)
    assert verdict.judgement == "reject"
    assert verdict.reasons[0].startswith("auc_roc failed")


def test_a_metric_that_nothing_computes_is_missing_by_name(world: MakeWorld, project: MakeProject) -> None:
    asked = project(success_criteria={"offline_metrics": {"happiness": {"min": 0.1}}})
    verdict = world().judge(asked)
    assert verdict.judgement == "inconclusive"
    assert named(verdict, "happiness").status == "missing"


def test_without_any_gate_on_quality_nothing_ships(world: MakeWorld, project: MakeProject) -> None:
    verdict = world().judge(project(success_criteria={}, constraints={"model_size": "< 1MB"}))
    assert verdict.judgement == "inconclusive"
    assert "No gate asks anything" in verdict.reasons[0]


def test_constraints_are_measured(world: MakeWorld, project: MakeProject) -> None:
    asked = project(constraints={"model_size": "< 1kB", "latency": "< 10s", "throughput": "1000 req/s"})
    verdict = world().judge(asked)
    assert verdict.judgement == "reject"
    assert named(verdict, "model_size").status == "failed"
    latency = named(verdict, "latency")
    assert latency.status == "passed"
    assert latency.found is not None
    assert 0 < latency.found < 10
    assert "constraints.throughput (>= 1000 req/s)" in verdict.reasons[-1]


# Beside production.


def test_the_same_model_again_ships_even_without_tolerance(world: MakeWorld, project: MakeProject) -> None:
    here = world()
    asked = project(validation={"tolerance": 0, "bootstrap": 50})
    verdict = here.judge(asked, production=here.release())
    assert verdict.judgement == "ship"
    assert verdict.compared_with == "0.9.0"
    assert gate(verdict, "comparison").found == 0


def test_a_clearly_worse_model_is_rejected_though_it_meets_the_criteria(
    world: MakeWorld, project: MakeProject
) -> None:
    asked = project(success_criteria={"offline_metrics": {"auc_roc": {"min": 0.1}}})
    here = world(slope=-0.02)
    verdict = here.judge(asked, production=here.release())
    assert verdict.judgement == "reject"
    assert gate(verdict, "comparison").status == "failed"
    assert verdict.reasons[0].startswith("auc_roc against 0.9.0 failed")


def test_too_few_rows_to_tell_are_inconclusive_and_say_how_many_could(
    world: MakeWorld, project: MakeProject
) -> None:
    asked = project(success_criteria={"offline_metrics": {"auc_roc": {"min": 0.1}}})
    here = world(rows=160, slope=0.01)
    verdict = here.judge(asked, production=here.release())
    assert verdict.judgement == "inconclusive"
    assert "these rows cannot tell" in gate(verdict, "comparison").evidence


def test_production_that_needs_other_features_is_held_for_a_person(world: MakeWorld) -> None:
    here = world()
    verdict = here.judge(production=here.release(plan=tiny_plan(width=2)))
    found = gate(verdict, "comparison")
    assert (verdict.judgement, found.status) == ("hold", "missing")
    assert "0.9.0 needs features that these rows do not have: age_2" in found.evidence


def test_production_that_defines_a_feature_otherwise_is_not_given_ours(world: MakeWorld) -> None:
    here = world()
    plan = here.plan
    longer = replace(plan, history=(replace(plan.history[0], window_s=7 * 86_400.0),))
    verdict = here.judge(production=here.release(plan=longer))
    assert "0.9.0 defines features otherwise: spend_30d" in gate(verdict, "comparison").evidence
    assert verdict.judgement == "hold"


def test_a_damaged_bundle_in_production_holds_and_says_so(world: MakeWorld) -> None:
    here = world()
    folder = here.release()
    (folder / "model.onnx").write_bytes(b"no")
    verdict = here.judge(production=folder)
    assert verdict.judgement == "hold"
    assert "the bundle in production cannot be loaded" in gate(verdict, "comparison").evidence


# Whether it is what it says it is.


def test_a_damaged_candidate_is_refused_and_leaves_everything_as_it_was(world: MakeWorld) -> None:
    here = world()
    (here.root / "bundle" / "model.onnx").write_bytes(b"no")
    with pytest.raises(CorruptArtifact, match=r"model\.onnx"):
        here.judge()
    assert not (here.root / "validation").exists()
    assert not (here.root / "reports").exists()


def test_a_bundle_made_from_other_rows_is_rejected(world: MakeWorld) -> None:
    here = world()
    path = here.root / "features" / "table.json"
    write_record(path, replace(read_record(path, FeatureTable), plan_hash="e" * 64))
    verdict = here.judge()
    assert verdict.judgement == "reject"
    assert "plan" in named(verdict, "same_origin").evidence


def test_served_answers_that_are_not_those_of_training_are_rejected(world: MakeWorld) -> None:
    verdict = world(recorded=0.99).judge()
    assert verdict.judgement == "reject"
    assert named(verdict, "served_as_trained").status == "failed"


def test_a_model_that_says_the_same_of_every_row_is_rejected(world: MakeWorld) -> None:
    plain = {"plan": pl.Series([None] * 600, dtype=pl.String)}
    verdict = world(slope=0.0, matrix=plain, recorded=0.5).judge()
    assert named(verdict, "answers").status == "failed"
    assert verdict.judgement == "reject"


def test_test_rows_of_one_class_are_inconclusive_by_name(world: MakeWorld) -> None:
    verdict = world(matrix={"churned": pl.Series(["yes"] * 600)}, recorded=0.7).judge()
    assert verdict.judgement == "inconclusive"
    assert named(verdict, "auc_roc").status == "not_a_number"
    assert "every true value is 1" in named(verdict, "auc_roc").evidence


def test_a_split_of_other_rows_is_refused(world: MakeWorld) -> None:
    here = world()
    pl.DataFrame({"part": ["test"] * 3}).write_parquet(here.root / "training" / "split.parquet")
    with pytest.raises(CorruptArtifact, match="the split has 3 rows, the feature matrix 600"):
        here.judge()


def test_no_test_rows_pass_nothing(world: MakeWorld) -> None:
    here = world()
    pl.DataFrame({"part": ["train"] * 600}).write_parquet(here.root / "training" / "split.parquet")
    verdict = here.judge(production=here.release())
    assert verdict.judgement == "inconclusive"
    assert {one.status for one in verdict.gates if one.kind != "integrity"} == {"not_a_number"}


def test_a_stage_that_has_not_run_is_named(world: MakeWorld) -> None:
    here = world()
    (here.root / "training" / "split.parquet").unlink()
    with pytest.raises(NotAvailable, match=r"split\.parquet is not there yet"):
        here.judge()


# Slices and truth.


def test_slices_that_the_rows_do_not_have_are_named(world: MakeWorld, project: MakeProject) -> None:
    here = world()
    here.judge(project(validation={"slices": ["plan", "age", "country"], "bootstrap": 50}))
    evaluation = read_record(here.root / "validation" / "evaluation.json", Evaluation)
    assert {one.column for one in evaluation.slices} == {"plan", "age"}
    assert evaluation.slices_left_out == ("country",)


@pytest.mark.parametrize(
    ("column", "classes", "positive", "expected"),
    [
        (pl.Series(["no", "yes", "maybe", None]), ("no", "yes"), "yes", [0, 1, None, None]),
        (pl.Series([0, 1, 2, None], dtype=pl.Int8), ("no", "yes"), "yes", [0, 1, None, None]),
        (pl.Series([True, False]), ("0", "1"), "1", [1, 0]),
        (pl.Series(["b", "c", "d"]), ("a", "b", "c"), "", [1, 2, None]),
        (pl.Series([1.5, None]), (), "", [1.5, None]),
    ],
)
def test_truth_is_told_as_the_answers_are(
    column: pl.Series, classes: tuple[str, ...], positive: str, expected: list[float | None]
) -> None:
    assert pl.Series(truth(column, classes, positive)).fill_nan(None).to_list() == expected


def test_nothing_of_the_training_libraries_is_needed(tmp_path: Path) -> None:
    """The answers come from the runtime that serves."""
    code = (
        "import rondo.stages.validation.judging, sys;"
        "print([m for m in ('sklearn', 'lightgbm', 'mlflow', 'pandas') if m in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert ended.stdout.strip() == "[]"
