"""The embedded online rows, without Feast."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rondo.adapters.feast.rows import EmbeddedOnlineValues, KeptView, OnlineRow
from rondo.errors import CorruptArtifact, TemporaryPortError

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def row(key: object, value: object, hours: int = 0) -> OnlineRow:
    return OnlineRow(key, {"x": value}, NOON + timedelta(hours=hours))


@pytest.fixture
def values(tmp_path: Path) -> EmbeddedOnlineValues:
    store = EmbeddedOnlineValues(tmp_path / "deep" / "online.db", now=lambda: NOON)
    yield store
    store.close()


def test_the_newest_event_time_wins_whatever_the_order(values: EmbeddedOnlineValues) -> None:
    assert values.write("v", [row("a", 2, hours=2), row("a", 1, hours=1), row("b", 1)]) == 2
    values.write("v", [row("a", 3, hours=2), row("b", 0, hours=-1)])
    assert values.read(["v"], ["a", "b"]) == [
        {"x": 3, "_event_timestamp": NOON + timedelta(hours=2)},
        {"x": 1, "_event_timestamp": NOON},
    ]


def test_views_are_read_as_one_mapping_with_the_oldest_time(values: EmbeddedOnlineValues) -> None:
    values.write("v", [row(1, 1, hours=1)])
    values.write('w "quoted"; --', [OnlineRow("1", {"y": None}, NOON)])
    assert (
        values.read(["v", 'w "quoted"; --', "nowhere"], [1, 1.0, "1", True, None, {}])
        == [{"x": 1, "y": None, "_event_timestamp": NOON}] * 3 + [None] * 3
    )


def test_a_time_to_live_ends_at_its_last_moment(values: EmbeddedOnlineValues) -> None:
    values.write("v", [row("old", 1, hours=-2), row("edge", 1, hours=-1)], ttl_s=3600)
    assert [found is not None for found in values.read(["v"], ["old", "edge"])] == [False, True]


def test_fields_that_a_write_does_not_mention_stay(values: EmbeddedOnlineValues) -> None:
    values.write("v", [OnlineRow("a", {"old": 1, "x": 1}, NOON)])
    values.publish([KeptView("v", {}, [row("a", 2)])], until=NOON)
    assert values.read(["v"], ["a"]) == [{"old": 1, "x": 2, "_event_timestamp": NOON}]


def test_replacing_forgets_who_is_gone_and_what_is_later(values: EmbeddedOnlineValues) -> None:
    values.write("v", [row("a", 9, hours=5), row("gone", 1)])
    values.publish([KeptView("v", {}, [row("a", 2)]), KeptView("w", {}, [])], until=NOON)
    assert values.read(["v", "w"], ["a", "gone"]) == [{"x": 2, "_event_timestamp": NOON}, None]
    assert values.entities("v") == 1
    assert values.entities("nowhere") == 0


def test_a_failing_write_leaves_everything_as_it_was(values: EmbeddedOnlineValues) -> None:
    values.write("v", [row("a", 1)])
    bad = KeptView("v", {}, [row("a", 2, hours=1), row(None, 3)])
    with pytest.raises(CorruptArtifact, match="cannot be an entity"):
        values.publish([bad], until=NOON + timedelta(days=1))
    assert values.read(["v"], ["a"]) == [{"x": 1, "_event_timestamp": NOON}]


def test_many_keys_are_read_in_their_order(values: EmbeddedOnlineValues) -> None:
    values.write("v", [row(number, number) for number in range(1200)])
    found = values.read(["v"], list(range(1500, -1, -1)))
    assert [None if each is None else each["x"] for each in found] == [None] * 301 + list(range(1199, -1, -1))


def test_missing_numbers_and_moments_are_kept_plainly(values: EmbeddedOnlineValues) -> None:
    values.write(
        "v", [OnlineRow("a", {"nan": float("nan"), "at": NOON, "big": 2**62}, NOON.replace(tzinfo=None))]
    )
    assert values.read(["v"], ["a"]) == [
        {"nan": None, "at": "2024-05-01T12:00:00+00:00", "big": 2**62, "_event_timestamp": NOON}
    ]


def test_reading_makes_no_file_and_a_broken_one_is_named(tmp_path: Path) -> None:
    values = EmbeddedOnlineValues(tmp_path / "online.db")
    assert values.read(["v"], ["a"]) == [None]
    assert not (tmp_path / "online.db").exists()
    (tmp_path / "online.db").write_bytes(b"this is no database, but it is long enough to look at" * 40)
    with pytest.raises((CorruptArtifact, TemporaryPortError), match="online"):
        values.read(["v"], ["a"])
    values.close()


def test_servers_read_without_feast() -> None:
    heavy = "('feast', 'pandas', 'pyarrow')"
    asked = f"import sys, rondo.adapters.feast.rows; print([m for m in {heavy} if m in sys.modules])"
    told = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout.strip() == "[]"
