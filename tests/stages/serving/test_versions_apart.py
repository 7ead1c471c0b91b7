"""Rows of one request go to the versions of their own keys, and every version is counted by itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from rondo.bundle.model import Model
from rondo.records.prediction import VersionFigures
from rondo.stages.serving import Application
from rondo.testing.serving import House, ask

KEYS = range(1, 41)


@pytest.fixture
def halves(house: House) -> House:
    """Two versions with half of the keys each."""
    house.release("2.0.0", slope=0.01)
    house.route({"1.0.0": 0.5, "2.0.0": 0.5})
    return house


async def alone(app: Application) -> dict[int, tuple[str, float]]:
    found = {}
    for key in KEYS:
        said = (await ask(app, "POST", "/predict", {"user_id": key})).json
        found[key] = (said["version"], said["predictions"][0]["score"])
    return found


def figures_of(house: House) -> dict[str, VersionFigures]:
    (figures,) = house.log.figures()
    return dict(figures.versions)


@pytest.mark.parametrize("rows", [40, 200])
def test_each_row_of_a_batch_is_answered_by_the_version_of_its_key(halves: House, rows: int) -> None:
    keys = [place % 40 + 1 for place in range(rows)]

    async def talk(app: Application) -> tuple[Any, Any]:
        body = {"rows": [{"user_id": key} for key in keys]}
        return await alone(app), await ask(app, "POST", "/predict", body)

    one_by_one, reply = halves.run(talk)
    found = [(said["version"], said["score"]) for said in reply.json["predictions"]]
    assert found == [one_by_one[key] for key in keys]
    assert reply.json["versions"] == ["1.0.0", "2.0.0"]
    assert "version" not in reply.json
    assert reply.headers["x-rondo-version"] == "1.0.0,2.0.0"


def test_a_batch_of_one_version_says_it_once(halves: House) -> None:
    async def talk(app: Application) -> Any:
        first = [key for key, (version, _) in (await alone(app)).items() if version == "1.0.0"]
        return await ask(app, "POST", "/predict", {"rows": [{"user_id": key} for key in first]})

    reply = halves.run(talk)
    assert reply.json["version"] == "1.0.0"
    assert not any("version" in said for said in reply.json["predictions"])


def test_every_protocol_says_the_version_of_each_row(halves: House) -> None:
    tensor = {"name": "user_id", "shape": [40], "datatype": "INT64", "data": list(KEYS)}

    async def talk(app: Application) -> tuple[Any, Any, Any]:
        split = {"dataframe_split": {"columns": ["user_id"], "data": [[key] for key in KEYS]}}
        return (
            await alone(app),
            (await ask(app, "POST", "/invocations", split)).json,
            (await ask(app, "POST", "/v2/models/tiny/infer", {"inputs": [tensor]})).json,
        )

    one_by_one, invoked, inferred = halves.run(talk)
    wanted = [one_by_one[key][0] for key in KEYS]
    assert [said["version"] for said in invoked["predictions"]] == wanted
    outputs = {out["name"]: out["data"] for out in inferred["outputs"]}
    assert outputs["version"] == wanted
    assert "model_version" not in inferred


def test_faults_of_all_versions_are_told_together_and_nothing_is_logged(halves: House) -> None:
    rows: list[dict[str, Any]] = [{"user_id": key} for key in KEYS]
    rows[3]["age"], rows[4]["age"], rows[17]["agee"] = "x", "y", 1
    reply = halves.ask("POST", "/predict", {"rows": rows})
    assert reply.status == 422
    assert [fault["loc"][:2] for fault in reply.json["errors"]] == [["rows", 3], ["rows", 4], ["rows", 17]]
    assert halves.log.predictions().height == 0


def test_what_was_answered_counts_for_the_version_that_answered(halves: House) -> None:
    async def talk(app: Application) -> Any:
        found = await alone(app)
        await ask(app, "POST", "/predict", {"rows": [{"user_id": key} for key in KEYS]})
        await ask(app, "POST", "/predict", b"{")
        return found

    one_by_one = halves.run(talk)
    figures = figures_of(halves)
    for version in ("1.0.0", "2.0.0"):
        wanted = 1 + sum(one == version for one, _ in one_by_one.values())
        assert (figures[version].requests, figures[version].errors) == (wanted, 0)
        assert len(figures[version].latency_ms) == wanted
    (whole,) = halves.log.figures()
    assert (whole.requests, len(whole.latency_ms)) == (42, 42)


def test_a_model_that_gives_no_number_counts_against_its_version_alone(halves: House) -> None:
    class NoNumber:
        def run(self, numerical: Any, categorical: Any) -> Any:
            return np.full((len(numerical), 2), np.inf)

    async def talk(app: Application) -> tuple[list[Any], Any]:
        keeper = app.parts.keeper
        one = keeper.table.warm["2.0.0"]
        keeper._warm["2.0.0"] = replace(one, bundle=replace(one.bundle, model=cast("Model", NoNumber())))
        await keeper.look()
        singles = await asyncio.gather(*(ask(app, "POST", "/predict", {"user_id": key}) for key in KEYS))
        batch = await ask(app, "POST", "/predict", {"rows": [{"user_id": key} for key in KEYS]})
        return list(singles), batch

    singles, batch = halves.run(talk)
    failed = [one for one in singles if one.status == 503]
    assert {one.json["errors"][0]["code"] for one in [*failed, batch]} == {"model_output_invalid"}
    assert len(failed) + sum(one.status == 200 for one in singles) == 40
    figures = figures_of(halves)
    assert (figures["2.0.0"].requests, figures["2.0.0"].errors) == (len(failed) + 1, len(failed) + 1)
    assert (figures["1.0.0"].requests, figures["1.0.0"].errors) == (40 - len(failed), 0)
    assert set(halves.log.predictions()["version"]) == {"1.0.0"}
