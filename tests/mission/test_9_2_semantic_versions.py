"""9.2: the five examples of the listing, each by the rule that gives it."""

from __future__ import annotations

from dataclasses import replace

from mission.document import listing
from rondo.bundle.versions import Fingerprint, next_version

FOREST = Fingerprint(
    version="",
    problem_type="binary_classification",
    target="is_churned",
    estimator="sklearn.ensemble.RandomForestClassifier",
    params={"n_estimators": 100, "max_depth": 8},
    numerical=("spend", "visits"),
    categorical=("plan",),
    plan_hash="features of before",
    data_hash="data of before",
    classes=("0", "1"),
    positive="1",
    model="weights of before",
)


def test_the_story_of_the_listing_gives_its_numbers_in_their_order() -> None:
    examples = listing("9.2").values()["version_examples"]
    first = next_version(None, FOREST)
    released = replace(FOREST, version=first[0])
    again = next_version(released, replace(released, model="weights of another seed"))
    released = replace(released, version=again[0], model="weights of another seed")
    wider = replace(released, numerical=("spend", "visits", "tickets"), plan_hash="one feature more")
    feature = next_version(released, wider)
    released = replace(wider, version=feature[0])
    tuned = next_version(released, replace(released, params={"n_estimators": 300, "max_depth": 12}))
    released = replace(released, version=tuned[0])
    boosted = next_version(released, replace(released, estimator="xgboost.XGBClassifier", params={}))

    story = [first, again, feature, tuned, boosted]
    assert [version for version, _ in story] == list(examples)
    said = [reason for _, reason in story]
    for reason, word in zip(
        said, ("first", "retrained", "feature", "hyperparameter", "architecture"), strict=True
    ):
        assert word in reason
    assert "RandomForestClassifier -> XGBClassifier" in said[-1]
