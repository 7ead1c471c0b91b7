"""POST /explain: contributions that add up to the score of /predict, by the version that would answer."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from rondo.stages.serving import Application
from rondo.stages.serving.explaining import MOST_ROWS
from rondo.testing.serving import House, ask

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
