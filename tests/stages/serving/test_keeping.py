"""Versions are warm before the routes switch; what fails is told and tried again; the last good table answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rondo.adapters.memory import MemoryStateStore
from rondo.errors import TemporaryPortError
from rondo.records.release import Release, Routes, WarmRequest
from rondo.stages.serving import RouteKeeper, make_ready
from rondo.stages.serving.keeping import Wanted, forget, next_table, versions_needed
from rondo.stages.serving.routing import NOTHING, RouteTable
from rondo.stages.serving.versions import ServedVersion, served
from rondo.testing.bundles import tiny_bundle
from rondo.testing.live_server import add_release, route


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> ServedVersion:
    return served(tiny_bundle(tmp_path_factory.mktemp("bundles") / "one"))


class Held:
    """A keeper over releases in a folder; `gate` holds the loading of versions until it is opened."""

    def __init__(self, root: Path) -> None:
        self.root, self.state = root, MemoryStateStore()
        self.loaded: list[str] = []
        self.keeper = RouteKeeper(self.state, self._load, server_id="me", pid=1)

    def _load(self, release: Release) -> ServedVersion:
        self.loaded.append(release.version)
        return make_ready(self.root / release.bundle, bundle_id=release.bundle_id)

    def run(self, talk: Callable[[RouteKeeper], Awaitable[Any]]) -> Any:
        async def whole() -> Any:
            try:
                return await talk(self.keeper)
            finally:
                await self.keeper.close()

        return asyncio.run(whole())


@pytest.fixture
def held(tmp_path: Path) -> Held:
    held = Held(tmp_path)
    for version, slope in (("1.0.0", 0.05), ("1.1.0", 0.02)):
        add_release(tmp_path, held.state, version, slope=slope)
    route(held.state, {"1.0.0": 1.0})
    return held


def test_new_routes_wait_until_every_share_is_warm(one: ServedVersion) -> None:
    old = RouteTable(1, {"a": 1.0}, {"a": one})
    routes = Routes(2, {"a": 0.5, "b": 0.5})
    assert next_table(old, routes, {"a": one}).weights == {"a": 1.0}
    after = next_table(old, routes, {"a": one, "b": one})
    assert (after.generation, after.weights) == (2, {"a": 0.5, "b": 0.5})


def test_no_weights_are_never_ready(one: ServedVersion) -> None:
    assert not next_table(NOTHING, Routes(0, {}), {"a": one}).ready


def test_what_has_to_be_warm() -> None:
    wanted = Wanted(Routes(1, {"a": 1.0, "b": 0.0}, shadow="c"), WarmRequest(3, "d"))
    assert versions_needed(wanted) == ("a", "c", "d")


def test_idle_versions_are_kept_up_to_a_number(one: ServedVersion) -> None:
    warm = dict.fromkeys(("v1", "v2", "v3", "v4", "v5"), one)
    assert list(forget(warm, ("v5",), {"v4": 1.0}, 2)) == ["v2", "v3", "v4", "v5"]


def test_a_release_is_loaded_and_then_routed_to(held: Held) -> None:
    async def talk(keeper: RouteKeeper) -> None:
        await keeper.settled()
        assert keeper.table.ready
        route(held.state, {"1.1.0": 1.0})
        await keeper.look()  # sees it, starts loading, answers by the old routes
        assert keeper.table.weights == {"1.0.0": 1.0}
        await keeper.settled()
        assert keeper.table.weights == {"1.1.0": 1.0}
        assert set(keeper.table.warm) == {"1.0.0", "1.1.0"}
        route(held.state, {"1.0.0": 1.0})
        await keeper.look()  # still warm: a rollback is a switch in memory
        assert keeper.table.weights == {"1.0.0": 1.0}

    held.run(talk)
    assert held.loaded == ["1.0.0", "1.1.0"]


def test_a_warm_request_is_answered_by_number_and_does_not_switch(held: Held) -> None:
    async def talk(keeper: RouteKeeper) -> None:
        await keeper.settled()
        asked = held.state.want_warm("1.1.0")
        await keeper.settled()
        (report,) = held.state.servers(timedelta(minutes=1), now=datetime.now(UTC))
        assert (report.answered, report.generation) == (asked.number, 1)
        assert set(report.warm) == {"1.0.0", "1.1.0"}
        assert keeper.table.weights == {"1.0.0": 1.0}

    held.run(talk)
    assert held.state.servers(timedelta(minutes=1), now=datetime.now(UTC)) == ()


def test_what_cannot_be_loaded_is_told_and_tried_again_when_asked_anew(held: Held) -> None:
    model = held.root / ".rondo" / "releases" / "1.1.0" / "model.onnx"
    whole = model.read_bytes()

    async def talk(keeper: RouteKeeper) -> None:
        await keeper.settled()
        model.write_bytes(b"nothing")
        first = held.state.want_warm("1.1.0")
        await keeper.settled()
        (report,) = held.state.servers(timedelta(minutes=1), now=datetime.now(UTC))
        assert report.answered == first.number
        assert "model.onnx" in report.failed["1.1.0"]
        route(held.state, {"1.1.0": 1.0})
        await keeper.settled()
        assert keeper.table.weights == {"1.0.0": 1.0}  # it never left the good one
        model.write_bytes(whole)
        second = held.state.want_warm("1.1.0")
        await keeper.settled()
        (report,) = held.state.servers(timedelta(minutes=1), now=datetime.now(UTC))
        assert (report.answered, dict(report.failed)) == (second.number, {})
        assert keeper.table.weights == {"1.1.0": 1.0}

    held.run(talk)


def test_a_state_store_that_is_away_changes_nothing(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> Any:
        raise TemporaryPortError("the database is away")

    async def talk(keeper: RouteKeeper) -> None:
        await keeper.settled()
        with monkeypatch.context() as patch:
            patch.setattr(held.state, "routes", away)
            await keeper.look()
            assert keeper.table.ready
            assert "away" in keeper.trouble
        await keeper.look()
        assert keeper.trouble == ""

    held.run(talk)
