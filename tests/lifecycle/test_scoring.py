"""`rondo predict`: a file is scored as the server scores its rows, row by row, bit by bit."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from rondo.errors import Conflict, DataError, NotAvailable, UsageError
from rondo.lifecycle.scoring import ScoredFile, release_to_score_with, score_file
from rondo.ports.progress import Silent
from rondo.stages.serving import Application
from rondo.testing.bundles import tiny_bundle
from rondo.testing.live_server import MemoryValues
from rondo.testing.serving import House, ask

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ROWS: list[dict[str, Any]] = [
    {"user_id": 1, "age": 30.5, "plan": "pro", "spend_30d": 12.25},
    {"user_id": 7, "age": 1e-3, "plan": "basic", "spend_30d": None},
    {"user_id": 999, "age": None, "plan": "unheard of", "spend_30d": 3.0},
    {"user_id": 50, "age": -4.0, "plan": None, "spend_30d": 0.1},
]


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    house.release("1.0.0", explained=True)
    house.release("1.1.0", slope=0.02)
    house.route({"1.0.0": 1.0})
    return house


def score(house: House, source: Path, target: Path, **changes: Any) -> ScoredFile:
    how: dict[str, Any] = {
        "release": house.state.production(),
        "root": house.root,
        "online": MemoryValues(),
        "explain": False,
        "on_error": "refuse",
        "force": False,
        "now": NOW,
        "progress": Silent(),
    }
    return score_file(source, target, **{**how, **changes})


def over_http(house: House, path: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each row in a request of its own."""

    async def talk(app: Application) -> list[dict[str, Any]]:
        replies = [await ask(app, "POST", path, row) for row in rows]
        assert all(reply.status == 200 for reply in replies)
        return [reply.json["predictions" if path == "/predict" else "explanations"][0] for reply in replies]

    found: list[dict[str, Any]] = house.run(talk)
    return found


WRITE: dict[str, Callable[[Path, list[dict[str, Any]]], object]] = {
    "parquet": lambda path, rows: pl.DataFrame(rows).write_parquet(path),
    "csv": lambda path, rows: pl.DataFrame(rows).write_csv(path),
    "jsonl": lambda path, rows: path.write_text("".join(json.dumps(row) + "\n" for row in rows)),
}


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    return (pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path)).to_dicts()


@pytest.mark.parametrize("kind", WRITE)
def test_every_row_gets_the_answer_that_the_server_gives_it(house: House, kind: str) -> None:
    source, target = house.root / f"in.{kind}", house.root / f"out.{kind}"
    WRITE[kind](source, ROWS)
    done = score(house, source, target)
    assert (done.rows, done.errors, done.version, done.not_asked) == (4, 0, "1.0.0", ())
    for row, found, wanted in zip(ROWS, read(target), over_http(house, "/predict", ROWS), strict=True):
        assert {name: found.get(name) for name in row} == row
        assert found["score"] == wanted["score"]  # bit by bit
        assert found["label"] == wanted["label"]
        assert found.get("unseen", 0) == wanted.get("unseen", 0)
        assert found["version"] == "1.0.0"
    assert house.log.predictions().height == len(ROWS)  # those over HTTP: a file is not logged


def test_what_the_file_does_not_say_of_an_entity_comes_from_the_store(house: House) -> None:
    source, target = house.root / "in.parquet", house.root / "out.jsonl"
    keys = [1, 2, 50]
    pl.DataFrame({"user_id": keys}).write_parquet(source)
    assert score(house, source, target).looked_up == ("age", "plan")
    wanted = over_http(house, "/predict", [{"user_id": key} for key in keys])
    assert [one["score"] for one in read(target)] == [one["score"] for one in wanted]


def test_contributions_are_those_of_the_server(house: House) -> None:
    table, lines = house.root / "in.csv", house.root / "in.jsonl"
    WRITE["csv"](table, ROWS)
    WRITE["jsonl"](lines, ROWS)
    score(house, table, house.root / "out.csv", explain=True)
    score(house, lines, house.root / "out.jsonl", explain=True)
    wanted = over_http(house, "/explain", ROWS)
    for cells, found, why in zip(
        read(house.root / "out.csv"), read(house.root / "out.jsonl"), wanted, strict=True
    ):
        assert found["contributions"] == why["contributions"]
        assert {name: cells[f"contribution.{name}"] for name in why["contributions"]} == why["contributions"]
        total = cells["base"] + sum(why["contributions"].values())
        assert 1 / (1 + math.exp(-total)) == pytest.approx(cells["score"], abs=1e-6)
    with pytest.raises(NotAvailable, match="does not explain its answers"):
        score(house, table, house.root / "no.csv", explain=True, release=house.state.releases()[1])


BAD = [ROWS[0], {**ROWS[1], "age": "old", "user_id": "x"}, ROWS[2], {**ROWS[3], "age": "1,5"}]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_bad_rows_stop_everything_and_are_named_by_their_lines(house: House, kind: str) -> None:
    source, target = house.root / f"in.{kind}", house.root / f"out.{kind}"
    rows = (
        BAD if kind == "jsonl" else [{name: str(value or "") for name, value in row.items()} for row in BAD]
    )
    WRITE[kind](source, rows)
    with pytest.raises(DataError) as refused:
        score(house, source, target)
    first = 1 if kind == "jsonl" else 2
    assert [one.where for one in refused.value.problems] == [
        f"in.{kind}, line {first + 1}",
        f"in.{kind}, line {first + 3}",
    ]
    assert "2 of 4 rows read cannot be scored; nothing was written" in str(refused.value)
    assert "age: a number is expected, found the text 'old'" in refused.value.problems[0].what
    assert "user_id: a whole number is expected" in refused.value.problems[0].what
    assert "--errors keep" in refused.value.problems[0].mend
    assert refused.value.exit_code == 4
    assert not target.exists()


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_bad_rows_are_kept_with_their_error_in_their_places(house: House, kind: str) -> None:
    source, target = house.root / f"in.{kind}", house.root / f"out.{kind}"
    rows = (
        BAD if kind == "jsonl" else [{name: str(value or "") for name, value in row.items()} for row in BAD]
    )
    WRITE[kind](source, rows)
    done = score(house, source, target, on_error="keep")
    assert (done.rows, done.errors) == (4, 2)
    found = read(target)
    good = over_http(house, "/predict", [ROWS[0], ROWS[2]])
    assert [one.get("score") for one in found] == [good[0]["score"], None, good[1]["score"], None]
    assert [bool(one.get("error")) for one in found] == [False, True, False, True]
    assert "found the text 'old'" in found[1]["error"]


def test_reading_stops_when_enough_rows_are_bad(house: House) -> None:
    source = house.root / "in.csv"
    source.write_text("age,plan,spend_30d\n" + "x,pro,1\n" * 10_000)
    with pytest.raises(DataError, match="at least 4,096 of 4,096 rows read") as refused:
        score(house, source, house.root / "out.csv")
    assert len(str(refused.value).splitlines()) < 25


def test_other_columns_are_kept_and_told_but_none_at_all_is_refused(house: House) -> None:
    source, target = house.root / "in.csv", house.root / "out.csv"
    source.write_text('id,age,plan,spend_30d,note\n7,30,pro,1,"a, b"\n')
    assert score(house, source, target).not_asked == ("id", "note")
    assert target.read_text().splitlines()[0].startswith("id,age,plan,spend_30d,note,score,label,version")
    assert read(target)[0]["note"] == "a, b"
    source.write_text("id,note\n7,x\n")
    with pytest.raises(DataError, match=r"none of its columns.*It takes age, event_time, plan"):
        score(house, source, target, force=True)


def test_names_that_the_answer_needs_are_not_written_over(house: House) -> None:
    source, lines = house.root / "in.csv", house.root / "in.jsonl"
    source.write_text("age,plan,spend_30d,score\n30,pro,1,5\n")
    with pytest.raises(DataError, match="columns of its own named score"):
        score(house, source, house.root / "out.csv")
    WRITE["jsonl"](lines, [{**ROWS[0], "label": "mine"}])
    with pytest.raises(DataError, match=r"line 1: it has names of its own that the answer needs: label"):
        score(house, lines, house.root / "out.jsonl")


def test_a_target_that_is_there_stays_unless_forced(house: House) -> None:
    source, target = house.root / "in.jsonl", house.root / "out.jsonl"
    WRITE["jsonl"](source, ROWS)
    target.write_text("precious")
    with pytest.raises(Conflict, match="there is a file already"):
        score(house, source, target)
    assert target.read_text() == "precious"
    assert score(house, source, target, force=True).rows == 4
    assert (
        score(house, source, source, force=True).rows == 4
    )  # in place: read to its end before it is replaced
    assert "score" in read(source)[0]


def test_json_lines_become_json_lines(house: House) -> None:
    source = house.root / "in.jsonl"
    WRITE["jsonl"](source, ROWS)
    with pytest.raises(UsageError, match=r"cannot become out\.csv"):
        score(house, source, house.root / "out.csv")


def test_another_version_may_be_named(house: House) -> None:
    source, target = house.root / "in.jsonl", house.root / "out.jsonl"
    WRITE["jsonl"](source, ROWS)
    done = score(house, source, target, release=release_to_score_with(_Shop(house), "1.1.0"))  # type: ignore[arg-type]
    assert done.version == "1.1.0"
    assert release_to_score_with(_Shop(house), None).version == "1.0.0"  # type: ignore[arg-type]
    with pytest.raises(NotAvailable, match=r"no version 3\.0\.0 is registered"):
        release_to_score_with(_Shop(house), "3.0.0")  # type: ignore[arg-type]


class _Shop:
    def __init__(self, house: House) -> None:
        self.state = house.state


def test_a_store_that_does_not_answer_is_not_the_rows_fault(house: House) -> None:
    class Gone:
        def read(self, *_: object) -> list[Any]:
            raise OSError("gone")

    source = house.root / "in.jsonl"
    WRITE["jsonl"](source, [{"user_id": 1}])
    with pytest.raises(NotAvailable, match="the feature store does not answer"):
        score(house, source, house.root / "out.jsonl", online=Gone(), on_error="keep")
    assert not (house.root / "out.jsonl").exists()


LIMIT_MB = 60
_SCORE = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from rondo.lifecycle.scoring import score_file
from rondo.ports.progress import Silent
from rondo.records.release import Release
root, source, bundle = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
release = Release("1.0.0", bundle, "bundle", datetime.now(UTC), judgement="ship")
done = score_file(source, source.with_suffix(".out.parquet"), release=release, root=root, online=None, explain=False,
                  on_error="refuse", force=False, now=datetime.now(UTC), progress=Silent())
print(done.rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.long
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    bundle = tiny_bundle(tmp_path / "bundle")

    def peak_mb(rows: int) -> int:
        source = tmp_path / f"{rows}.parquet"
        places = pl.int_range(rows, eager=True)
        table = pl.DataFrame(
            {
                "user_id": places,
                "age": (places % 90).cast(pl.Float64) + places / rows,
                "plan": (places % 3).cast(pl.String).replace(["0", "1", "2"], ["basic", "pro", "team"]),
                "spend_30d": places * 0.37,
                "note": "a longer text that nobody asks for " + places.cast(pl.String),
            }
        )
        table.write_parquet(source, row_group_size=50_000)
        del table
        ended = subprocess.run(
            [sys.executable, "-c", _SCORE, str(tmp_path), str(source), bundle.bundle_id],
            capture_output=True,
            text=True,
            check=True,
        )
        scored, peak = map(int, ended.stdout.split())
        assert scored == rows
        out = pl.scan_parquet(source.with_suffix(".out.parquet"))
        assert out.select(pl.len(), pl.col("score").null_count()).collect().row(0) == (rows, 0)
        return peak

    assert peak_mb(1_000_000) - peak_mb(200_000) < LIMIT_MB
