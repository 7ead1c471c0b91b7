from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from rondo.adapters.memory import MemoryModelRegistry, MemoryStateStore
from rondo.errors import Conflict, CorruptArtifact, NotAvailable, TemporaryPortError
from rondo.records.release import PROMOTED, ROLLED_BACK, ROLLOUT_ABORTED, RegistryStage, WarmRequest
from rondo.stages.deployment import promote, reconcile, rollback, served_at, tell
from rondo.testing.deployment import Clock, Server, means, registered
from rondo.testing.state import NOW

WHO = {"by": "ann", "reason": "because"}


class Unreachable(MemoryModelRegistry):
    """A registry that does not answer while it is `away`."""

    away = False

    def set_roles(
        self, model: str, roles: Mapping[str, str | None], stages: Mapping[str, RegistryStage]
    ) -> None:
        if self.away:
            raise TemporaryPortError("the registry does not answer")
        super().set_roles(model, roles, stages)


def test_the_whole_way_there_and_back(
    tmp_path: Path, store: MemoryStateStore, registry: MemoryModelRegistry
) -> None:
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        registered(tmp_path, store, registry, version)
        done = promote(version, means(tmp_path, store, registry), **WHO)
    assert tell(done) == ("1.2.0 is in production, after 1.1.0",)
    assert registry.roles("tiny") == {"production": "3", "previous": "2"}
    assert registry.stages("tiny") == {"1": "Archived", "2": "Archived", "3": "Production"}

    back = [rollback(means(tmp_path, store, registry), **WHO) for _ in range(2)]
    assert [tell(each) for each in back] == [
        ("rolled back from 1.2.0 to 1.1.0",),
        ("rolled back from 1.1.0 to 1.0.0",),
    ]
    assert registry.roles("tiny") == {"production": "1"}
    assert dict(store.routes().weights) == {"1.0.0": 1.0}
    assert [event.kind for event in store.events()][-5:] == [
        PROMOTED,
        "model.registered",
        PROMOTED,
        *[ROLLED_BACK] * 2,
    ]

    with pytest.raises(Conflict, match="no version before"):
        rollback(means(tmp_path, store, registry), **WHO)
    assert store.production_history() == ("1.0.0",)

    promote("1.2.0", means(tmp_path, store, registry), **WHO)  # and forward again
    assert store.production_history() == ("1.0.0", "1.2.0")


def test_promoting_twice_switches_once(
    tmp_path: Path, store: MemoryStateStore, registry: MemoryModelRegistry
) -> None:
    registered(tmp_path, store, registry, "1.0.0")
    first = promote("1.0.0", means(tmp_path, store, registry), **WHO)
    second = promote("1.0.0", means(tmp_path, store, registry), **WHO)
    assert second.routes == first.routes
    assert tell(second) == ("1.0.0 is in production already",)
    assert len(store.events(kind=PROMOTED)) == 1


def test_traffic_moves_only_after_every_running_server_is_warm(
    tmp_path: Path, store: MemoryStateStore, registry: MemoryModelRegistry
) -> None:
    clock = Clock()
    servers = [Server("a", store), Server("b", store, loads_after=30)]
    registered(tmp_path, store, registry, "1.0.0")
    promote("1.0.0", means(tmp_path, store, registry, clock=clock), **WHO)
    clock.meanwhile.extend(servers)
    for _ in range(60):
        clock.wait(0.1)
    registered(tmp_path, store, registry, "1.1.0")
    done = promote("1.1.0", means(tmp_path, store, registry, clock=clock), **WHO)
    assert (done.warm, done.late) == (("a", "b"), ())
    for server in servers:
        switched = server.served.index("1.1.0")
        assert set(server.served[:switched]) == {"1.0.0"}
        assert set(server.served[switched:]) == {"1.1.0"}
    assert store.wanted_warm().version is None


def test_a_server_that_cannot_load_stops_the_promotion(
    tmp_path: Path, store: MemoryStateStore, registry: MemoryModelRegistry
) -> None:
    clock = Clock()
    for version in ("1.0.0", "1.1.0"):
        registered(tmp_path, store, registry, version)
    promote("1.0.0", means(tmp_path, store, registry, clock=clock), **WHO)
    before = store.routes()
    broken = Server("b", store, broken={"1.1.0": "operator not known"})
    clock.meanwhile.extend([Server("a", store), broken])
    clock.wait(0.1)
    with pytest.raises(NotAvailable, match=r"1 of 2 running servers.*b: operator not known"):
        promote("1.1.0", means(tmp_path, store, registry, clock=clock), **WHO)
    assert (store.routes(), store.production_history()) == (before, ("1.0.0",))
    assert store.events()[-1].kind == ROLLOUT_ABORTED
    assert store.wanted_warm().version is None

    broken.broken = {}  # mended: the failure of before does not count against the next try
    done = promote("1.1.0", means(tmp_path, store, registry, clock=clock), **WHO)
    assert done.warm == ("a", "b")


def test_a_server_that_never_gets_ready_stops_a_promotion_but_not_a_rollback(
    tmp_path: Path, store: MemoryStateStore, registry: MemoryModelRegistry
) -> None:
    clock = Clock()
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        registered(tmp_path, store, registry, version)
    for version in ("1.0.0", "1.1.0"):
        promote(version, means(tmp_path, store, registry, clock=clock), **WHO)
    stuck = Server("stuck", store, warm={"1.1.0"}, loads_after=10_000_000)
    clock.meanwhile.append(stuck)
    clock.wait(0.1)
    began = clock()
    with pytest.raises(NotAvailable, match="stuck: not ready after 60 s"):
        promote("1.2.0", means(tmp_path, store, registry, clock=clock), **WHO)
    assert clock() - began == timedelta(seconds=60)
    done = rollback(means(tmp_path, store, registry, clock=clock), **WHO)
    assert (done.plan.version, done.late) == ("1.0.0", ("stuck",))


def test_a_silent_server_is_not_waited_for(
    tmp_path: Path, store: MemoryStateStore, registry: MemoryModelRegistry
) -> None:
    clock = Clock()
    registered(tmp_path, store, registry, "1.0.0")
    Server("gone", store).report(NOW - timedelta(seconds=10))
    done = promote("1.0.0", means(tmp_path, store, registry, clock=clock), **WHO)
    assert (done.warm, done.late, clock()) == ((), (), NOW)


def test_an_interrupted_wait_takes_the_request_back(
    tmp_path: Path, store: MemoryStateStore, registry: MemoryModelRegistry
) -> None:
    def stop(_seconds: float) -> None:
        raise KeyboardInterrupt

    registered(tmp_path, store, registry, "1.0.0")
    Server("slow", store).report(NOW)
    with pytest.raises(KeyboardInterrupt):
        promote("1.0.0", means(tmp_path, store, registry, wait=stop), **WHO)
    assert store.wanted_warm() == WarmRequest(2, None)
    assert store.production() is None


@pytest.mark.parametrize("damage", ["changed", "missing file", "extra file", "other bundle"])
def test_a_damaged_bundle_never_gets_into_production(
    tmp_path: Path, store: MemoryStateStore, registry: MemoryModelRegistry, damage: str
) -> None:
    registered(tmp_path, store, registry, "1.0.0")
    promote("1.0.0", means(tmp_path, store, registry), **WHO)
    folder = tmp_path / registered(tmp_path, store, registry, "1.1.0").bundle
    match damage:
        case "changed":
            model = folder / "model.onnx"
            model.write_bytes(model.read_bytes()[:-1] + b"?")
        case "missing file":
            (folder / "golden.json").unlink()
        case "extra file":
            (folder / "extra.py").write_text("")
        case _:
            other = registered(tmp_path, store, registry, "1.2.0").bundle
            folder.rename(tmp_path / "away")
            (tmp_path / other).rename(folder)
    with pytest.raises(CorruptArtifact):
        promote("1.1.0", means(tmp_path, store, registry), **WHO)
    assert store.production_history() == ("1.0.0",)


def test_a_lost_bundle_comes_back_from_the_registry(
    tmp_path: Path, store: MemoryStateStore, registry: MemoryModelRegistry
) -> None:
    folder = tmp_path / registered(tmp_path, store, registry, "1.0.0").bundle
    folder.rename(tmp_path / "away")
    promote("1.0.0", means(tmp_path, store, registry), **WHO)
    assert (folder / "manifest.json").read_bytes() == (tmp_path / "away" / "manifest.json").read_bytes()


def test_a_bundle_that_nobody_has_is_refused(
    tmp_path: Path, store: MemoryStateStore, registry: MemoryModelRegistry
) -> None:
    folder = tmp_path / registered(tmp_path, store, registry, "1.0.0").bundle
    folder.rename(tmp_path / "away")
    with pytest.raises(CorruptArtifact, match="is gone, here and in the model registry"):
        promote("1.0.0", means(tmp_path, store, MemoryModelRegistry()), **WHO)
    assert store.production() is None


def test_a_registry_that_does_not_answer_is_told_later(tmp_path: Path, store: MemoryStateStore) -> None:
    registry = Unreachable()
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        registered(tmp_path, store, registry, version)
        promote(version, means(tmp_path, store, registry), **WHO)
    registry.away = True
    for version in ("1.1.0", "1.0.0"):  # it does not keep anybody from rolling back, not even twice
        done = rollback(means(tmp_path, store, registry), **WHO)
        assert done.plan.version == version
        assert "does not answer" in done.not_mirrored
    assert not reconcile(store, registry, "tiny", now=NOW)
    assert registry.roles("tiny")["production"] == "3"
    registry.away = False
    assert reconcile(store, registry, "tiny", now=NOW)
    assert registry.roles("tiny") == {"production": "1"}


def test_one_deployment_at_a_time(
    tmp_path: Path, store: MemoryStateStore, registry: MemoryModelRegistry
) -> None:
    registered(tmp_path, store, registry, "1.0.0")
    with (
        store.lease("deployment", "elsewhere/1/1", timedelta(minutes=1), now=NOW),
        pytest.raises(Conflict, match="elsewhere/1/1 holds 'deployment'"),
    ):
        promote("1.0.0", means(tmp_path, store, registry), **WHO)
    assert store.production() is None


def test_the_log_tells_what_served_when(
    tmp_path: Path, store: MemoryStateStore, registry: MemoryModelRegistry
) -> None:
    moments = []
    for day, version in enumerate(("1.0.0", "1.1.0")):
        registered(tmp_path, store, registry, version)
        moments.append(NOW + timedelta(days=day))
        promote(version, means(tmp_path, store, registry, clock=Clock(moments[-1])), **WHO)
    assert served_at(store.events(), NOW - timedelta(seconds=1)) == {}
    assert served_at(store.events(), NOW + timedelta(hours=5)) == {"1.0.0": 1.0}
    assert served_at(store.events(), moments[1]) == {"1.1.0": 1.0}
