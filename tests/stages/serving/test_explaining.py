"""POST /explain: contributions that add up to the score of /predict, by the version that would answer."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rondo.stages.serving import Application
from rondo.stages.serving.explaining import MOST_ITEMS, MOST_ROWS, explained_lists
from rondo.stages.serving.problems import Refusal
from rondo.stages.serving.ranking import RankedLists, ShownItem, ShownList
from rondo.stages.serving.scoring import Group
from rondo.stages.serving.versions import served
from rondo.testing.bundles import tiny_bundle, tiny_rows
from rondo.testing.serving import House, ask

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GIVEN = {"age": 30.0, "plan": "pro", "spend_30d": 12.5}


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    house.release("1.0.0", explained=True)
    house.release("1.1.0", slope=0.02, explained=True)
    house.release("2.0.0")
    house.route({"1.0.0": 1.0})
    return house


def logistic(margin: float) -> float:
    return 1 / (1 + math.exp(-margin))


def test_base_and_contributions_give_the_score_that_predict_gives(house: House) -> None:
    rows = [GIVEN, {**GIVEN, "plan": "unheard of"}, {"user_id": 7}, {**GIVEN, "age": None}]

    async def talk(app: Application) -> tuple[Any, Any]:
        body = {"rows": rows}
        return (await ask(app, "POST", "/predict", body)).json, (
            await ask(app, "POST", "/explain", body)
        ).json

    predicted, explained = house.run(talk)
    assert explained["version"] == "1.0.0"
    for answer, why in zip(predicted["predictions"], explained["explanations"], strict=True):
        assert answer.pop("prediction_id")
        assert {name: why[name] for name in answer} == answer
        assert why["scale"] == "log-odds"
        assert set(why["contributions"]) == {"age", "spend_30d", "plan"}
        assert logistic(why["base"] + sum(why["contributions"].values())) == pytest.approx(
            why["score"], abs=1e-6
        )
    assert explained["explanations"][1]["unseen"] == 1
    first, second = (one["contributions"] for one in explained["explanations"][:2])
    assert first["plan"] - second["plan"] == pytest.approx(0.5)  # `pro` is worth 0.5 in this model
    assert (first["age"], first["spend_30d"]) == (second["age"], second["spend_30d"])


def test_one_row_may_be_the_body_and_nothing_is_logged(house: House) -> None:
    reply = house.ask("POST", "/explain", GIVEN)
    assert reply.status == 200
    assert len(reply.json["explanations"]) == 1
    assert house.log.predictions().height == 0


def test_rows_are_explained_by_the_version_that_answers_their_key(house: House) -> None:
    house.route({"1.0.0": 0.5, "1.1.0": 0.5})
    rows = [{"user_id": key} for key in range(1, 21)]

    async def talk(app: Application) -> tuple[Any, Any]:
        body = {"rows": rows}
        return (await ask(app, "POST", "/predict", body)).json, (
            await ask(app, "POST", "/explain", body)
        ).json

    predicted, explained = house.run(talk)
    assert explained["versions"] == ["1.0.0", "1.1.0"]
    assert [(one["version"], one["score"]) for one in explained["explanations"]] == [
        (one["version"], one["score"]) for one in predicted["predictions"]
    ]


def test_a_version_without_contributions_says_so(house: House) -> None:
    house.route({"2.0.0": 1.0})
    reply = house.ask("POST", "/explain", GIVEN)
    assert reply.status == 501
    assert reply.json["type"] == "urn:rondo:problem:no-explanation"
    assert "made before contributions were kept" in reply.json["detail"]
    assert reply.json["errors"][0]["hint"].startswith("Train a linear model")


def test_more_rows_than_are_explained_at_once_are_refused(house: House) -> None:
    reply = house.ask("POST", "/explain", {"rows": [GIVEN] * (MOST_ROWS + 1)})
    assert (reply.status, reply.json["errors"][0]["code"]) == (413, "too_many_rows")
    assert house.ask("POST", "/explain", {"rows": [GIVEN] * MOST_ROWS}).status == 200


def test_bad_values_are_told_as_predict_tells_them(house: House) -> None:
    body = {"rows": [GIVEN, {**GIVEN, "age": "old"}, {**GIVEN, "ago": 1}]}

    async def talk(app: Application) -> list[Any]:
        return [await ask(app, "POST", path, body) for path in ("/predict", "/explain")]

    first, second = house.run(talk)
    assert (first.status, first.json["errors"]) == (second.status, second.json["errors"])


def lists_of(house: House, count: int, items: int) -> RankedLists:
    """Lists as the ranking gives them, over a tiny bundle."""
    bundle = tiny_bundle(house.root / "ranking", explained=True)
    numbers, words = tiny_rows(bundle.plan, max(1, count * items))
    scores = bundle.scores(numbers, words)
    shown = [
        ShownItem(place, float(scores[place]), numbers[place].tolist(), words[place].tolist())
        for place in range(count * items)
    ]
    made = tuple(
        ShownList(str(at), NOW, tuple(shown[at * items : (at + 1) * items]), entity_known=at > 0)
        for at in range(count)
    )
    return RankedLists(Group(served(bundle), [{}] * count, range(count)), made, 0.0)


def test_every_item_of_a_list_is_explained(house: House) -> None:
    unknown, known = explained_lists(lists_of(house, 2, 5))
    assert unknown["fallback"] == "popular"
    assert [item["item"] for item in known["items"]] == [5, 6, 7, 8, 9]
    for item in (*unknown["items"], *known["items"]):
        total = item["base"] + sum(item["contributions"].values())
        assert logistic(total) == pytest.approx(item["score"], abs=1e-6)
    assert explained_lists(lists_of(house, 1, 0)) == [
        {"items": [], "entity_known": False, "fallback": "popular"}
    ]


def test_lists_that_are_too_long_together_are_refused(house: House) -> None:
    with pytest.raises(Refusal) as refused:
        explained_lists(lists_of(house, 11, MOST_ITEMS // 10))
    assert (refused.value.status, refused.value.faults[0].code) == (413, "too_many_items")


def test_before_anything_is_released_it_is_not_ready(tmp_path: Path) -> None:
    reply = House(tmp_path).ask("POST", "/explain", GIVEN)
    assert (reply.status, reply.headers["retry-after"]) == (503, "1")


def test_the_description_names_it(house: House) -> None:
    described = house.ask("GET", "/openapi.json").json
    operation = described["paths"]["/explain"]["post"]
    assert set(operation["responses"]) >= {"200", "413", "422", "429", "501", "503"}
    assert "Explanations" in described["components"]["schemas"]
    page = house.ask("GET", "/docs").body.decode()
    assert "/explain" in page
    assert "http://127.0.0.1:PORT/explain" in page
