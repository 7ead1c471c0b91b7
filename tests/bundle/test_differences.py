from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rondo.bundle.differences import made_differently, said_differently, same_features
from rondo.testing.bundles import tiny_bundle, tiny_plan


def test_two_equal_bundles_differ_in_nothing_but_what_was_measured(tmp_path: Path) -> None:
    bundle = tiny_bundle(tmp_path / "a", "1.0.0")
    side = (bundle.manifest, bundle.plan)
    assert all(one.about == "metric" and one.before == one.after for one in made_differently(side, side))


def test_each_way_of_making_it_otherwise_is_named(tmp_path: Path) -> None:
    bundle = tiny_bundle(tmp_path / "a", "1.0.0")
    plan, old = bundle.plan, bundle.manifest
    new = replace(
        old,
        estimator="sklearn.ensemble.RandomForestClassifier",
        params={"depth": 3},
        numerical=(*old.numerical, "extra"),
        threshold=0.7,
        metrics={"auc_roc": 0.9},
        lineage={**old.lineage, "data_version": "1.2.0", "code": {"commit": "abc"}},
    )
    found = {
        (one.about, one.name): (one.before, one.after) for one in made_differently((old, plan), (new, plan))
    }
    assert found["estimator", "class"] == (old.estimator, new.estimator)
    assert found["parameter", "depth"] == ("", "3")
    assert found["feature", "extra"] == ("", "numerical")
    assert found["threshold", "decision"] == (f"{old.threshold:.6g}", "0.7")
    assert found["metric", "auc_roc"][1] == "0.9"
    assert found["data", "version"][1] == "1.2.0"
    assert found["code", "commit"] == ("", "abc")


def test_flipped_decisions_come_first_then_the_greatest_change() -> None:
    found = said_differently(
        ([0.1, 0.49, 0.9, 0.5], ["0", "0", "1", "1"]), ([0.45, 0.51, 0.9, 0.5], ["0", "1", "1", "1"])
    )
    assert found is not None
    assert (found.rows, found.flipped, found.agreement) == (4, 1, 0.75)
    assert [flip.place for flip in found.largest] == [1, 0]
    assert said_differently(([], []), ([], [])) is None


def test_features_are_the_same_when_they_are_made_in_the_same_way() -> None:
    plan = tiny_plan()
    assert same_features(plan, replace(plan, ttl_s=5.0))
    assert not same_features(plan, replace(plan, numerical=(*plan.numerical, "other")))
