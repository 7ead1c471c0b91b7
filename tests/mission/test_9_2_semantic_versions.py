"""9.2: the five examples of the listing, each by the rule that gives it."""

from __future__ import annotations

from dataclasses import replace

import pytest

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


RELEASED = replace(
    FOREST, version="1.2.3", code="a commit", definitions={"spend": "d"}, inputs={"spend": "float"}
)
CHANGES = {  # the comments of the listing, word by word
    "MAJOR": {
        "새 아키텍처": replace(RELEASED, estimator="lightgbm.LGBMClassifier"),
        "피처 스키마 변경": replace(RELEASED, categorical=(), numerical=("plan", "spend", "visits")),
        "호환되지 않는 변경": replace(RELEASED, inputs={"spend": "string"}),
    },
    "MINOR": {
        "새 피처": replace(RELEASED, numerical=("spend", "tickets", "visits")),
        "하이퍼파라미터 변경": replace(RELEASED, params={"n_estimators": 100, "max_depth": 9}),
        "기능 추가": replace(RELEASED, definitions={"spend": "another"}),
    },
    "PATCH": {
        "버그 수정": replace(RELEASED, code="another commit"),
        "재학습": replace(RELEASED, data_hash="data of today"),
    },
}
NUMBERS = {"MAJOR": "2.0.0", "MINOR": "1.3.0", "PATCH": "1.2.4"}


@pytest.mark.parametrize("kind", NUMBERS)
def test_each_comment_of_the_listing_is_a_rule(kind: str) -> None:
    (said,) = (line for line in listing("9.2").text.splitlines() if line.startswith(f"# {kind}:"))
    for words, changed in CHANGES[kind].items():
        assert words in said
        version, reason = next_version(RELEASED, replace(changed, version=""))
        assert version == NUMBERS[kind], words
        assert reason


def test_nothing_new_is_no_new_version() -> None:
    assert next_version(RELEASED, replace(RELEASED, version=""))[0] == "1.2.3"


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
