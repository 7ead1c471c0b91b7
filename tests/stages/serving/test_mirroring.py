"""A shadow sees what was answered, and nothing that it does reaches a client or production's figures."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any, cast

import numpy as np
import pytest

from rondo.bundle.model import Model
from rondo.records.prediction import RequestFigures, VersionFigures
from rondo.stages.serving import Application, mirroring
from rondo.stages.serving import application as application_module
from rondo.stages.serving.mirroring import Mirror, is_mirrored
from rondo.stages.serving.versions import ServedVersion, served
from rondo.testing.bundles import tiny_bundle
from rondo.testing.serving import House, ask

NOW = datetime(2026, 5, 1, tzinfo=UTC)
GIVEN = {"age": 30, "plan": "pro", "spend_30d": 12.5}
BODIES: list[Any] = [
    *({"user_id": key, "event_time": "2026-04-01T00:00:00Z"} for key in range(1, 41)),
    {"rows": [GIVEN, {**GIVEN, "plan": "new"}]},
    {"agee": 3},
]
RunsModel = Callable[[Any, Any], Any]


def raises(numerical: Any, categorical: Any) -> Any:
    raise RuntimeError("the shadow is broken")


def gives_nan(numerical: Any, categorical: Any) -> Any:
    return np.full((len(numerical), 2), np.nan)


@pytest.fixture
def shadowed(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """Version 1.0.0 answers, 2.0.0 may be its shadow; prediction ids come out alike in every run."""
    monkeypatch.setattr(application_module.secrets, "token_hex", lambda n: "b" * 2 * n)
    house.release("2.0.0", slope=0.01)
    return house


def talk_to(house: House, runs: RunsModel | None = None, free: Event | None = None) -> list[Any]:
    """Every reply, byte by byte, while the shadow's model runs like that."""

    async def talk(app: Application) -> list[Any]:
        keeper = app.parts.keeper
        if runs is not None:
            spoiled = cast("Model", type("Spoiled", (), {"run": staticmethod(runs)}))
            one = keeper.table.warm["2.0.0"]
            keeper._warm["2.0.0"] = replace(one, bundle=replace(one.bundle, model=spoiled))
            await keeper.look()
        replies = [await ask(app, "POST", "/predict", body) for body in BODIES]
        replies += await asyncio.gather(*(ask(app, "POST", "/predict", body) for body in BODIES))
        if free is not None:  # every client has its answer before the shadow gave a single one
            assert not any(mirror.settled(0.0) for mirror in app._mirrors)
            free.set()
        for mirror in app._mirrors:
            assert mirror.settled(30.0)
        return [(one.status, sorted(one.headers.items()), one.body) for one in replies]

    return cast("list[Any]", house.run(talk))


def total(figures: list[RequestFigures], version: str) -> VersionFigures:
    own = [one.versions[version] for one in figures if version in one.versions]
    return VersionFigures(
        sum(one.requests for one in own),
        sum(one.errors for one in own),
        tuple(ms for one in own for ms in one.latency_ms),
        sum(one.dropped for one in own),
    )


def test_what_the_shadow_says_is_logged_beside_what_it_mirrors(shadowed: House) -> None:
    shadowed.route({"1.0.0": 1.0}, shadow="2.0.0")
    talk_to(shadowed)
    frame = shadowed.log.predictions()
    own, mirrored = frame.filter(~frame["shadow"]), frame.filter(frame["shadow"])
    assert set(own["version"]) == {"1.0.0"}
    assert set(mirrored["version"]) == {"2.0.0"}
    assert sorted(mirrored["mirror_of"]) == sorted(own["prediction_id"])
    pairs = own.join(mirrored, left_on="prediction_id", right_on="mirror_of", suffix="_shadow")
    assert (pairs["numerical"] == pairs["numerical_shadow"]).all()
    assert (pairs["event_time"] == pairs["event_time_shadow"]).all()
    assert (pairs["at"] == pairs["at_shadow"]).all()
    assert (pairs["score"] != pairs["score_shadow"]).all()
    assert frame["prediction_id"].is_unique().all()


@pytest.mark.parametrize("how", ["well", "raises", "nan", "hangs"])
def test_nothing_that_a_shadow_does_reaches_a_client(shadowed: House, how: str) -> None:
    alone = talk_to(shadowed)
    without = total(shadowed.log.figures(), "1.0.0")
    shadowed.route({"1.0.0": 1.0}, shadow="2.0.0")
    free = Event()

    def hangs(numerical: Any, categorical: Any) -> Any:
        free.wait(60.0)
        return np.full((len(numerical), 2), 0.5)

    runs = {"well": None, "raises": raises, "nan": gives_nan, "hangs": hangs}[how]
    before = shadowed.log.predictions().filter(~shadowed.log.predictions()["shadow"]).height
    assert talk_to(shadowed, runs, free if how == "hangs" else None) == alone
    frame = shadowed.log.predictions()
    assert frame.filter(~frame["shadow"]).height == 2 * before
    figures = list(shadowed.log.figures())
    assert sum(one.requests for one in figures) == 2 * 2 * len(BODIES)
    assert sum(one.errors for one in figures) == 0
    own, shadow = total(figures, "1.0.0"), total(figures, "2.0.0")
    assert (own.requests, own.errors) == (2 * without.requests, 0)
    answered = 2 * (len(BODIES) - 1)
    assert (shadow.requests, shadow.dropped, len(shadow.latency_ms)) == (answered, 0, answered)
    assert shadow.errors == (answered if how in ("raises", "nan") else 0)
    assert frame.filter(frame["shadow"]).height == (0 if shadow.errors else answered + 2)


def test_a_share_of_the_rows_is_mirrored_and_it_is_always_the_same(shadowed: House) -> None:
    shadowed.route({"1.0.0": 1.0}, shadow="2.0.0")

    async def talk(app: Application) -> None:
        await ask(app, "POST", "/predict", {"rows": [GIVEN] * 400})
        assert all(mirror.settled(30.0) for mirror in app._mirrors)

    shadowed.run(talk, mirror_share=0.25)
    frame = shadowed.log.predictions()
    chosen = {one for one in frame.filter(~frame["shadow"])["prediction_id"] if is_mirrored(one, 0.25)}
    assert set(frame.filter(frame["shadow"])["mirror_of"]) == chosen
    assert 60 <= len(chosen) <= 140
    assert not any(is_mirrored(one, 0.0) for one in chosen)


def test_a_shadow_that_leaves_the_routes_sees_nothing_more(shadowed: House) -> None:
    async def talk(app: Application) -> None:
        for shadow in ("2.0.0", None):
            shadowed.route({"1.0.0": 1.0}, shadow=shadow)
            await app.parts.keeper.settled()
            await ask(app, "POST", "/predict", GIVEN)
            assert all(mirror.settled(30.0) for mirror in app._mirrors)

    shadowed.run(talk)
    frame = shadowed.log.predictions()
    assert frame["version"].to_list() == ["1.0.0", "2.0.0", "1.0.0"]


@pytest.fixture
def version(tmp_path: Path) -> ServedVersion:
    return served(tiny_bundle(tmp_path / "bundle", "2.0.0"))


def a_row(number: int) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    return [GIVEN], [{"prediction_id": f"p{number}"}]


def test_what_finds_no_room_is_let_go_and_counted(
    version: ServedVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirroring, "WAITING_REQUESTS", 3)
    free = Event()
    mirror = Mirror(version, lambda *_: cast("None", free.wait(60.0)))
    for number in range(10):
        mirror.offer(*a_row(number), NOW, 10)
    free.set()
    assert mirror.settled(30.0)
    figures = mirror.figures()
    assert (figures.requests, figures.dropped) == (3, 7)
    assert mirror.figures() == VersionFigures()
    mirror.close()


def test_large_requests_fill_the_queue_as_many_do(version: ServedVersion) -> None:
    free = Event()
    mirror = Mirror(version, lambda *_: cast("None", free.wait(60.0)))
    for number in range(3):
        mirror.offer(*a_row(number), NOW, mirroring.WAITING_BYTES // 2)
    free.set()
    assert mirror.settled(30.0)
    figures = mirror.figures()
    assert (figures.requests, figures.dropped) == (2, 1)
    mirror.close()


def test_a_closed_mirror_lets_go_of_what_waits(version: ServedVersion) -> None:
    free, began = Event(), Event()

    def answer(*_: Any) -> None:
        began.set()
        free.wait(60.0)

    mirror = Mirror(version, answer)
    for number in range(5):
        mirror.offer(*a_row(number), NOW, 1)
    assert began.wait(30.0)
    mirror.close()
    mirror.offer(*a_row(9), NOW, 1)
    free.set()
    assert mirror.settled(30.0)
    figures = mirror.figures()
    assert (figures.requests, figures.dropped) == (1, 5)
