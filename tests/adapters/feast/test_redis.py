"""Online values in Redis: the promises of every feature store, and what only a server can do wrong."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis

from rondo.adapters.feast import redis_rows
from rondo.adapters.feast.places import RedisPlace
from rondo.adapters.feast.redis_rows import RedisOnlineValues
from rondo.adapters.feast.rows import KeptView, OnlineRow
from rondo.adapters.feast.store import FeastFeatureStore
from rondo.errors import Conflict, ContractError, CorruptArtifact, NotAvailable, TemporaryPortError
from rondo.testing import servers
from rondo.testing.feature_store import AS_OF, FeatureStoreTests, a_plan

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
pytestmark = [
    # Feast and what it imports warn about themselves.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture
def server(redis_server: servers.RedisServer) -> Iterator[servers.RedisServer]:
    """An empty Redis; whatever a test did, nothing half-written stays."""
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
        yield redis_server
        left = [key.decode() for key in client.scan_iter()]
        live = {
            f"{key.removesuffix('live')}{name}:{generation}"
            for key in left
            if key.endswith(":live")
            for name, generation in {
                name.decode(): value.decode() for name, value in client.hgetall(key).items()
            }.items()
        }
        rows = {key for key in left if ":rows:" in key}
        assert rows <= live
        assert not [key for key in left if "rehearsal" in key or key.endswith(":writer")]


def place(server: servers.RedisServer, project: str = "small-shop") -> RedisPlace:
    return RedisPlace(server.url, "${SHOP_REDIS}", project, {"SHOP_REDIS": server.url})


class TestPromises(FeatureStoreTests):
    @pytest.fixture
    def store(self, tmp_path: Path, server: servers.RedisServer) -> FeastFeatureStore:
        return FeastFeatureStore(tmp_path / "feature_repo", place(server), "small-shop")

    def test_the_password_is_written_nowhere(
        self, store: FeastFeatureStore, history: Path, tmp_path: Path, server: servers.RedisServer
    ) -> None:
        store.publish(a_plan(), history, AS_OF)
        assert 'connection: "${SHOP_REDIS}"' in (tmp_path / "feature_repo" / "feature_store.yaml").read_text()
        for file in tmp_path.rglob("*"):
            if file.is_file():
                assert server.password.encode() not in file.read_bytes()


def row(key: object, value: object, hours: int = 0) -> OnlineRow:
    return OnlineRow(key, {"x": value}, NOON + timedelta(hours=hours))


@pytest.fixture
def values(server: servers.RedisServer) -> Iterator[RedisOnlineValues]:
    values = RedisOnlineValues(server.url, project="p", now=lambda: NOON)
    yield values
    values.close()


def test_the_newest_event_time_wins_whatever_the_order(values: RedisOnlineValues) -> None:
    assert values.write("v", [row("a", 2, hours=2), row("a", 1, hours=1), row("b", 1)]) == 2
    values.write("v", [row("a", 3, hours=2), row("b", 0, hours=-1)])
    assert values.read(["v"], ["a", "b"]) == [
        {"x": 3, "_event_timestamp": NOON + timedelta(hours=2)},
        {"x": 1, "_event_timestamp": NOON},
    ]


def test_views_are_read_as_one_mapping_with_the_oldest_time(values: RedisOnlineValues) -> None:
    values.write("v", [row(1, 1, hours=1)])
    values.write('w "quoted"; --', [OnlineRow("1", {"y": None}, NOON)])
    assert (
        values.read(["v", 'w "quoted"; --', "nowhere"], [1, 1.0, "1", True, None, {}])
        == [{"x": 1, "y": None, "_event_timestamp": NOON}] * 3 + [None] * 3
    )


def test_a_time_to_live_ends_at_its_last_moment(values: RedisOnlineValues) -> None:
    values.write("v", [row("old", 1, hours=-2), row("edge", 1, hours=-1)], ttl_s=3600)
    assert [found is not None for found in values.read(["v"], ["old", "edge"])] == [False, True]


def test_publishing_forgets_who_is_gone_and_what_is_later_and_keeps_what_is_newer(
    values: RedisOnlineValues,
) -> None:
    values.write("v", [row("a", 9, hours=5), row("gone", 1), row("pushed", 7, hours=-1)])
    rows = [row("a", 2), row("pushed", 3, hours=-2)]
    values.publish([KeptView("v", {}, rows), KeptView("w", {}, [])], until=NOON)
    assert values.read(["v", "w"], ["a", "gone", "pushed"]) == [
        {"x": 2, "_event_timestamp": NOON},
        None,
        {"x": 7, "_event_timestamp": NOON - timedelta(hours=1)},
    ]
    assert (values.entities("v"), values.entities("nowhere")) == (2, 0)


def test_a_failing_publication_leaves_everything_as_it_was(values: RedisOnlineValues) -> None:
    values.write("v", [row("a", 1)])
    bad = KeptView("v", {}, [*(row(number, 2) for number in range(1500)), row(None, 3)])
    with pytest.raises(CorruptArtifact, match="cannot be an entity"):
        values.publish([bad], until=NOON + timedelta(days=1))
    assert values.read(["v"], ["a", 1]) == [{"x": 1, "_event_timestamp": NOON}, None]


def test_many_keys_are_read_in_their_order(values: RedisOnlineValues) -> None:
    values.write("v", [row(number, number) for number in range(5200)])
    found = values.read(["v"], list(range(5500, -1, -1)))
    assert [None if each is None else each["x"] for each in found] == [None] * 301 + list(range(5199, -1, -1))


def test_projects_share_a_server_and_nothing_in_it(
    values: RedisOnlineValues, server: servers.RedisServer
) -> None:
    values.write("v", [row("a", 1)])
    other = RedisOnlineValues(server.url, project="q")
    assert other.read(["v"], ["a"]) == [None]
    other.close()


def test_one_writes_at_a_time_and_who_was_overtaken_changes_nothing(
    values: RedisOnlineValues, server: servers.RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    values.write("v", [row("a", 1)])

    def overtaken() -> Iterator[OnlineRow]:
        yield row("a", 2)
        with redis.Redis.from_url(
            server.url
        ) as client:  # as if this writer had slept for longer than its lease
            client.set("rondo:p:writer", "another")

    with pytest.raises(Conflict, match="took over"):
        values.publish([KeptView("v", {}, overtaken())], until=NOON)
    assert values.read(["v"], ["a"]) == [{"x": 1, "_event_timestamp": NOON}]
    impatient = RedisOnlineValues(server.url, project="p", patience=timedelta(milliseconds=100))
    with pytest.raises(Conflict, match="somebody else writes"):
        impatient.write("v", [row("a", 3)])
    with redis.Redis.from_url(server.url) as client:
        client.delete("rondo:p:writer")
    impatient.write("v", [row("a", 3)])
    impatient.close()


def test_writers_at_once_lose_nothing(values: RedisOnlineValues, server: servers.RedisServer) -> None:
    def write(number: int) -> None:
        own = RedisOnlineValues(server.url, project="p")
        for place_ in range(10):
            own.write("v", [row(f"{number}/{place_}", number)])
        own.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert values.entities("v") == 40


def test_a_server_that_is_away_is_told_once_and_then_refused_at_once() -> None:
    now = [0.0]
    with servers.redis() as server:
        values = RedisOnlineValues(
            server.url, project="p", now=lambda: NOON, tick=lambda: now[0], patience=timedelta(seconds=2)
        )
        values.write("v", [row("a", 1)])
        server.stop()
        with pytest.raises(TemporaryPortError, match="does not answer"):
            values.read(["v"], ["a"])
        with pytest.raises(TemporaryPortError, match="a moment ago"):
            values.read(["v"], ["a"])
        with pytest.raises(TemporaryPortError):
            values.write("v", [row("a", 2)])
        server.start()

        def ends_badly() -> Iterator[OnlineRow]:
            server.stop()
            raise ZeroDivisionError("what really happened")
            yield row("a", 3)

        with pytest.raises(ZeroDivisionError, match="what really happened"):
            values.write("v", ends_badly())
        server.start()
        now[0] += 2
        assert values.read(["v"], ["a"]) == [None]  # nothing was saved: the next publication writes it again
        values.publish([KeptView("v", {}, [row("a", 3)])], until=NOON)
        assert values.read(["v"], ["a"]) == [{"x": 3, "_event_timestamp": NOON}]
        values.close()


@pytest.mark.parametrize(
    ("change", "kind", "told"),
    [
        (("PASSWORD", "wr0ng"), NotAvailable, "Check user and password"),
        (("PORT", str(servers.free_port())), TemporaryPortError, "does not answer"),
    ],
)
def test_what_refuses_is_told_without_the_password(
    server: servers.RedisServer, change: tuple[str, str], kind: type[NotAvailable], told: str
) -> None:
    password = server.url.split(":")[2].partition("@")[0]
    parts = {"PASSWORD": password, "PORT": str(server.port), change[0]: change[1]}
    url = f"redis://:{parts['PASSWORD']}@127.0.0.1:{parts['PORT']}/0"
    values = RedisOnlineValues(url, project="p", patience=timedelta(seconds=2))
    with pytest.raises(kind, match=told) as refused:
        values.read(["v"], ["a"])
    assert type(refused.value) is kind
    for secret in (password, server.password, "wr0ng"):
        assert secret not in str(refused.value)
    values.close()


def test_what_is_no_row_is_named(values: RedisOnlineValues, server: servers.RedisServer) -> None:
    values.write("v", [row("a", 1)])
    with redis.Redis.from_url(server.url) as client:
        (rows,) = client.scan_iter("rondo:p:rows:*")
        client.hset(rows, "a", b"\xc1 this is no row")
    with pytest.raises(CorruptArtifact, match="not a row of an online store"):
        values.read(["v"], ["a"])


def test_what_is_no_url_is_refused() -> None:
    with pytest.raises(ContractError, match="not the URL of a Redis"):
        RedisOnlineValues("http://:secret@host", project="p")


def test_a_missing_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(redis_rows.MissingExtra, match=r"pip install 'rondo-ml\[redis\]'"):
        RedisOnlineValues("redis://host", project="p")


def test_servers_read_without_feast() -> None:
    heavy = "('feast', 'pandas', 'pyarrow')"
    asked = (
        f"import sys, rondo.adapters.feast.redis_rows, redis; print([m for m in {heavy} if m in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout.strip() == "[]"
