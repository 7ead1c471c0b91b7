"""The version of a model follows from what it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondo.bundle.manifest import BundleFile, Manifest
from rondo.bundle.plan import FeaturePlan, HistoryFeature, PlanInput, StatelessFeature
from rondo.bundle.versions import (
    Fingerprint,
    candidate_fingerprint,
    fingerprint,
    next_version,
    parse_version,
)
from rondo.errors import CorruptArtifact
from rondo.records.candidate import Candidate, SplitSizes, TrainingResult

FOREST = "sklearn.ensemble.RandomForestClassifier"


def made(**changes: Any) -> Fingerprint:
    base = Fingerprint(
        version="1.0.0",
        problem_type="binary_classification",
        target="is_churned",
        estimator=FOREST,
        params={"n_estimators": 100, "max_depth": 8, "random_state": 42},
        numerical=("spend", "visits"),
        categorical=("plan",),
        plan_hash="p1",
        data_hash="d1",
        classes=("0", "1"),
        positive="1",
        code="c1",
        seed=42,
        threshold=0.5,
    )
    return replace(base, **changes)


def after(old: Fingerprint, **changes: Any) -> tuple[str, str]:
    return next_version(old, replace(old, version="", **changes))


# The five examples of the mission, section 9.2.


def test_the_first_release_is_1_0_0() -> None:
    assert next_version(None, made(version="")) == ("1.0.0", "first release")


def test_retraining_on_the_same_data_and_features_is_a_patch() -> None:
    assert after(made(model="m1"), model="m2") == ("1.0.1", "retrained on the same data")


def test_a_new_feature_is_minor() -> None:
    version, reason = after(made(version="1.0.1"), numerical=("spend", "visits", "tickets"), plan_hash="p2")
    assert version == "1.1.0"
    assert reason == "features added: tickets"


def test_other_hyperparameters_are_minor() -> None:
    version, reason = after(
        made(version="1.1.0"), params={"n_estimators": 300, "max_depth": 8, "random_state": 42}
    )
    assert version == "1.2.0"
    assert reason == "hyperparameters changed: n_estimators 100 -> 300"


def test_another_architecture_is_major() -> None:
    version, reason = after(made(version="1.2.0"), estimator="xgboost.XGBClassifier", params={"max_depth": 3})
    assert version == "2.0.0"
    assert reason == "architecture changed: RandomForestClassifier -> XGBClassifier"


# The rest of the rules.


def test_new_data_alone_is_a_patch() -> None:
    assert after(made(version="3.4.5"), data_hash="d2") == ("3.4.6", "retrained on new data")


def test_nothing_different_is_the_same_version() -> None:
    version, reason = after(made(version="3.4.5"))
    assert version == "3.4.5"
    assert reason == "the same data, features, parameters and code as 3.4.5"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"numerical": ("spend",)}, "features removed: visits"),
        (
            {"numerical": ("spend",), "categorical": ("plan", "visits")},
            "features of another type: visits (numerical -> categorical)",
        ),
        ({"target": "spend_next_month"}, "target changed: is_churned -> spend_next_month"),
        ({"problem_type": "regression"}, "problem type changed: binary_classification -> regression"),
        ({"classes": ("no", "yes")}, "classes changed: 0, 1 -> no, yes"),
        ({"positive": "0"}, "positive class changed: 1 -> 0"),
    ],
)
def test_what_breaks_a_caller_is_major(changes: Mapping[str, Any], reason: str) -> None:
    assert after(made(version="1.9.9"), **changes) == ("2.0.0", reason)


def test_a_major_change_also_names_what_was_added() -> None:
    _, reason = after(made(), numerical=("spend", "tickets"))
    assert reason == "features removed: visits; features added: tickets"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"code": "c2"}, "code changed"),
        ({"code": "c1+d2"}, "uncommitted changes differ"),
        ({"code": "c1+d2", "data_hash": "d2"}, "retrained on new data"),
        ({"seed": 7}, "seed changed: 42 -> 7"),
        ({"threshold": 0.75}, "decision threshold changed: 0.5 -> 0.75"),
        ({"threshold": 0.75, "data_hash": "d2"}, "retrained on new data"),
        ({"numerical": ("visits", "spend"), "plan_hash": "p1"}, "order of the features changed"),
        (
            {"params": {"n_estimators": 100, "max_depth": 8, "random_state": 1}},
            "fitted otherwise: random_state 42 -> 1",
        ),
    ],
)
def test_the_same_model_made_once_more_is_a_patch(changes: Mapping[str, Any], reason: str) -> None:
    assert after(made(), **changes) == ("1.0.1", reason)


def test_numbers_and_lists_that_json_writes_otherwise_are_the_same_parameters() -> None:
    old = made(params={"n": 100, "layers": (3, 2), "warm": None})
    assert after(old, params={"n": 100.0, "layers": [3, 2], "warm": None})[0] == "1.0.0"


def test_true_is_not_one() -> None:
    assert after(made(params={"bootstrap": True}), params={"bootstrap": 1})[0] == "1.1.0"


def test_a_class_reached_by_two_paths_is_one_architecture() -> None:
    assert after(made(), estimator="sklearn.ensemble._forest.RandomForestClassifier")[0] == "1.0.0"


def test_a_taken_version_is_passed_over() -> None:
    new = made(version="", data_hash="d2")
    assert next_version(made(), new, taken=("1.0.0", "1.0.1", "1.1.0", "2.0.0"))[0] == "1.0.2"
    assert next_version(made(), made(plan_hash="p2"), taken=("1.0.0", "1.1.0", "1.1.1"))[0] == "1.2.0"
    assert next_version(made(), made(target="x"), taken=("1.0.0", "2.0.0", "2.3.1"))[0] == "3.0.0"
    assert next_version(None, new, taken=("1.0.0",))[0] == "2.0.0"


@pytest.mark.parametrize("text", ["1.0", "v1.0.0", "1.0.0-rc1", "01.0.0", "", "1.0.0\n"])
def test_a_previous_version_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(CorruptArtifact, match=r"MAJOR\.MINOR\.PATCH"):
        next_version(made(version=text), made())


# With the plan, definitions are compared one by one.


def plan(window_s: float = 30 * 86_400.0, *, where: str | None = None, **changes: Any) -> FeaturePlan:
    base = FeaturePlan(
        entity="user_id",
        event_time="at",
        inputs=(PlanInput("amount", "float"),),
        history=(HistoryFeature("spend_30d", "sum", "amount", window_s, where),),
        stateless=(
            StatelessFeature("log_spend", "expr", ("spend_30d",), expression="ln(1 + spend_30d)"),
            StatelessFeature("mine", "python", ("amount",), function="features.py:mine"),
        ),
        numerical=("spend_30d", "log_spend", "mine"),
        categorical=(),
        views={"user": ("spend_30d",)},
        python_files={"features.py": "f1"},
    )
    return replace(base, **changes)


def bundle(plan_: FeaturePlan, version: str = "1.0.0") -> Fingerprint:
    manifest = Manifest(
        project="churn",
        version=version,
        version_reason="",
        problem_type="binary_classification",
        target="is_churned",
        positive="1",
        classes=("0", "1"),
        threshold=0.5,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        files={"model.onnx": BundleFile("m1", 10)},
        numerical=plan_.numerical,
        categorical=plan_.categorical,
        categories={},
        estimator=FOREST,
        params={"n_estimators": 100},
        metrics={},
        lineage={"plan_hash": plan_.hash, "data_hash": "d1", "code": "c1", "seed": 42},
    )
    return fingerprint(manifest, plan_)


def test_a_changed_definition_names_every_feature_that_rests_on_it() -> None:
    version, reason = next_version(bundle(plan()), bundle(plan(window_s=60.0)))
    assert (version, reason) == ("1.1.0", "features defined otherwise: log_spend, spend_30d")


def test_a_changed_python_file_changes_the_features_in_it() -> None:
    _, reason = next_version(bundle(plan()), bundle(plan(python_files={"features.py": "f2"})))
    assert reason == "features defined otherwise: mine"


def test_an_input_of_another_type_is_major() -> None:
    _, reason = next_version(bundle(plan()), bundle(plan(inputs=(PlanInput("amount", "string"),))))
    assert reason == "inputs of another type: amount (float -> string)"


def test_another_entity_is_major() -> None:
    assert next_version(bundle(plan()), bundle(plan(entity="shop_id")))[0] == "2.0.0"


def test_other_views_leave_the_model_what_it_is() -> None:
    version, reason = next_version(bundle(plan()), bundle(plan(views={"all": ("spend_30d",)})))
    assert (version, reason) == ("1.0.1", "views of the feature store changed")


def test_a_trained_candidate_compares_with_its_own_bundle_as_the_same() -> None:
    candidate = Candidate("forest", FOREST, {"n_estimators": 100}, "run", 0.8, {})
    result = TrainingResult(
        (candidate,), SplitSizes(6, 2, 2), ("0", "1"), "auc_roc", "churn", "study",
        datetime(2026, 1, 1, tzinfo=UTC), 42, "1.0.0", plan().hash, "1.0.0", "d1",
    )  # fmt: skip
    new = candidate_fingerprint(
        result,
        plan(),
        problem_type="binary_classification",
        target="is_churned",
        lineage={"code": "c1"},
    )
    assert next_version(bundle(plan(), "1.3.2"), new)[0] == "1.3.2"


@pytest.mark.parametrize(
    ("lineage", "code"),
    [
        ({"code": {"commit": "abc", "dirty": "no", "diff": ""}}, "abc"),
        ({"code": {"commit": "abc", "dirty": "yes", "diff": "d1"}}, "abc+d1"),
        ({"code": "abc"}, "abc"),
        ({}, ""),
    ],
)
def test_the_code_is_its_commit_and_what_lies_on_top(lineage: Mapping[str, Any], code: str) -> None:
    candidate = Candidate("forest", FOREST, {}, "run", 0.8, {})
    result = TrainingResult(
        (candidate,), SplitSizes(6, 2, 2), (), "rmse", "sales", "study",
        datetime(2026, 1, 1, tzinfo=UTC), 42, "1.0.0", plan().hash, "1.0.0", "d1",
    )  # fmt: skip
    new = candidate_fingerprint(result, plan(), problem_type="regression", target="sales", lineage=lineage)
    assert new.code == code


# What holds for any two models.

names = st.lists(st.sampled_from("abcde"), unique=True, max_size=4).map(tuple)
prints = st.builds(
    Fingerprint,
    version=st.tuples(*[st.integers(0, 30)] * 3).map(lambda numbers: ".".join(map(str, numbers))),
    problem_type=st.sampled_from(["binary_classification", "regression"]),
    target=st.sampled_from(["y", "z"]),
    estimator=st.sampled_from([FOREST, "lightgbm.LGBMClassifier"]),
    params=st.dictionaries(st.sampled_from(["depth", "trees", "seed"]), st.integers(0, 2)),
    numerical=names,
    categorical=st.just(("plan",)),
    plan_hash=st.sampled_from(["p1", "p2"]),
    data_hash=st.sampled_from(["d1", "d2"]),
    code=st.sampled_from(["", "c1"]),
    seed=st.sampled_from([None, 1, 2]),
    threshold=st.sampled_from([None, 0.5, 0.7]),
    model=st.sampled_from(["", "m1", "m2"]),
)
versions = st.lists(st.tuples(*[st.integers(0, 30)] * 3).map(lambda v: ".".join(map(str, v))), max_size=6)


@given(prints, prints, versions)
def test_a_version_never_falls_and_never_meets_a_taken_one(
    old: Fingerprint, new: Fingerprint, taken: list[str]
) -> None:
    version, reason = next_version(old, new, taken=taken)
    assert reason
    if version != old.version:
        assert parse_version(version) > parse_version(old.version)
        assert version not in taken


@given(prints, prints)
def test_equal_prints_get_equal_answers(old: Fingerprint, new: Fingerprint) -> None:
    assert next_version(old, new) == next_version(old, replace(new))


@given(prints)
def test_a_model_is_its_own_version(one: Fingerprint) -> None:
    assert next_version(one, replace(one, version=""))[0] == one.version


@given(prints, prints)
def test_at_most_one_number_rises_and_those_behind_it_are_zero(old: Fingerprint, new: Fingerprint) -> None:
    before, after_ = parse_version(old.version), parse_version(next_version(old, new)[0])
    place = next((i for i in range(3) if before[i] != after_[i]), None)
    if place is not None:
        assert after_[place] == before[place] + 1
        assert after_[place + 1 :] == (0,) * (2 - place)
