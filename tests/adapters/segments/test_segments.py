"""Torn tails, abandoned segments, a disk that refuses: counted exactly, never an error."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import monotonic
from zlib import crc32

import msgspec
import polars as pl
import pytest

from rondo.adapters.segments import SegmentLog, SegmentWriter
from rondo.adapters.segments.records import line_of, read_lines
from rondo.records.prediction import Outcome, Prediction, RequestFigures
from rondo.testing.prediction_log import START, a_prediction

SLOW = timedelta(hours=1)


def sealed(folder: Path, data: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "20260301T120000000000-1-abc.log"
    path.write_bytes(data)
    return path


def test_a_tail_torn_at_any_byte_loses_that_record_and_no_other(tmp_path: Path) -> None:
    lines = [line_of(a_prediction(number)) for number in range(4)]
    whole = b"".join(lines)
    for cut in range(len(lines[-1])):
        found = read_lines(whole[: len(whole) - len(lines[-1]) + cut], growing=False)
        assert len(found.texts[b"P"]) == 3
        assert found.torn == (1 if cut else 0)
    sealed(tmp_path, whole[:-7])
    log = SegmentLog(tmp_path)
    assert log.predictions()["prediction_id"].to_list() == ["p00000", "p00001", "p00002"]
    assert log.state().torn == 1


def test_any_changed_byte_of_a_record_leaves_out_that_record(tmp_path: Path) -> None:
    lines = [line_of(a_prediction(number)) for number in range(3)]
    start = len(lines[0])
    whole = bytearray(b"".join(lines))
    for place in range(start, start + len(lines[1])):
        before = whole[place]
        whole[place] ^= 0x01
        found = read_lines(bytes(whole), growing=False)
        assert lines[0][9:-1] in found.texts[b"P"]
        assert lines[1][9:-1] not in found.texts[b"P"]
        whole[place] = before


def test_an_unfinished_line_of_a_living_writer_is_no_damage() -> None:
    assert read_lines(line_of(a_prediction(1))[:-4], growing=True).torn == 0


def test_a_living_segment_is_read_and_left_alone(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, flush_every=timedelta(milliseconds=1))
    writer.prediction(a_prediction(1))
    end = monotonic() + 30
    while writer.ledger.stored < 1 and monotonic() < end:
        os.sched_yield()
    assert SegmentLog(tmp_path).predictions().height == 1
    assert [path.suffix for path in tmp_path.iterdir() if not path.name.startswith(".")] == [".open"]
    writer.prediction(a_prediction(2))
    writer.close()
    assert SegmentLog(tmp_path).predictions().height == 2


def test_sealed_segments_become_parquet_once(tmp_path: Path) -> None:
    path = sealed(tmp_path, line_of(a_prediction(1)) + line_of(Outcome("p00001", "yes", START)))
    log = SegmentLog(tmp_path)
    assert log.predictions().height == 1
    assert not path.exists()
    parquet = path.with_suffix("") / "predictions.parquet"
    made = parquet.stat().st_mtime_ns
    assert log.predictions().height == log.outcomes().height == 1
    assert parquet.stat().st_mtime_ns == made


def test_a_reader_killed_between_parquet_and_removal_changes_nothing(tmp_path: Path) -> None:
    data = line_of(a_prediction(1))
    sealed(tmp_path, data)
    log = SegmentLog(tmp_path)
    before = log.predictions()
    sealed(tmp_path, data)  # as if it had never been removed
    assert log.predictions().equals(before)


def test_the_segment_of_a_killed_process_is_read_whole(tmp_path: Path) -> None:
    script = """
import os, sys
from datetime import timedelta
from pathlib import Path
from rondo.adapters.segments import SegmentWriter
from rondo.testing.prediction_log import a_prediction
writer = SegmentWriter(Path(sys.argv[1]), flush_every=timedelta(milliseconds=5))
for number in range(500):
    writer.prediction(a_prediction(number))
while writer.ledger.queued:
    os.sched_yield()
os.kill(os.getpid(), 9)
"""
    ended = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False, timeout=60)
    assert ended.returncode == -9
    log = SegmentLog(tmp_path)
    assert log.predictions().height == 500
    assert log.state().torn == 0
    assert not list(tmp_path.glob("*.open"))


def test_a_full_queue_drops_and_the_ledger_is_exact(tmp_path: Path) -> None:
    size = len(line_of(a_prediction(10)))
    writer = SegmentWriter(tmp_path, flush_every=SLOW, queue_bytes=size * 10 + 5)
    for number in range(10, 50):
        writer.prediction(a_prediction(number))
        ledger = writer.ledger
        assert ledger.taken == ledger.stored + ledger.dropped + ledger.queued
    assert writer.dropped == 30
    writer.close()
    assert (writer.ledger.stored, writer.ledger.queued) == (10, 0)
    assert SegmentLog(tmp_path).predictions().height == 10


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_refuses_is_told_and_what_it_refused_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    writer = SegmentWriter(tmp_path, flush_every=timedelta(milliseconds=1))
    real = os.write
    monkeypatch.setattr(os, "write", lambda _, data: real(full, data))
    writer.prediction(a_prediction(1))
    end = monotonic() + 30
    while not writer.trouble and monotonic() < end:
        os.sched_yield()
    assert "No space left" in writer.trouble
    assert writer.ledger.queued == 1
    monkeypatch.undo()
    writer.prediction(a_prediction(2))
    writer.close()
    os.close(full)
    assert SegmentLog(tmp_path).predictions().height == 2
    assert writer.ledger.stored == 2


def test_a_folder_that_is_not_there_is_an_empty_log(tmp_path: Path) -> None:
    assert SegmentLog(tmp_path / "nothing").state().segments == 0


def test_lines_and_files_from_before_a_field_was_added_are_still_read(tmp_path: Path) -> None:
    prediction = {
        name: getattr(a_prediction(1), name) for name in Prediction.__slots__ if name != "mirror_of"
    }
    figures = {
        "at": START,
        "seconds": 5.0,
        "requests": 3,
        "errors": 1,
        "rejected": 0,
        "latency_ms": [1.5],
        "cpu_share": 0.1,
        "memory_share": 0.2,
        "memory_bytes": 9,
        "dropped": 0,
    }
    old = b""
    for kind, record in ((b"P", prediction), (b"F", figures)):
        body = kind + msgspec.json.encode(record)
        old += b"%08x%b\n" % (crc32(body), body)
    sealed(tmp_path, old)
    log = SegmentLog(tmp_path)
    log.predictions()  # compacts
    parquet = tmp_path / "20260301T120000000000-1-abc" / "predictions.parquet"
    pl.read_parquet(parquet).drop("mirror_of").write_parquet(parquet)  # as an older reader compacted it
    writer = SegmentWriter(tmp_path)
    writer.prediction(replace(a_prediction(2), shadow=True, mirror_of="p00001"))
    writer.close()
    assert log.predictions().select("prediction_id", "mirror_of").rows() == [
        ("p00001", None),
        ("p00002", "p00001"),
    ]
    assert [(one.requests, one.versions) for one in log.figures()] == [(3, {})]


def test_a_segment_of_another_time_is_not_read(tmp_path: Path) -> None:
    log, later = SegmentLog(tmp_path), START + timedelta(days=2)
    for day in range(2):
        writer = SegmentWriter(tmp_path)
        writer.prediction(a_prediction(day, hours=24 * day))
        writer.outcome(Outcome(f"p{day}", "yes", START + timedelta(days=day)))
        writer.figures(RequestFigures(START + timedelta(days=day), 1.0, 1, 0, 0, (), 0.0, 0.0, 0))
        writer.close()
        assert log.predictions().height == day + 1
    for file in next(iter(sorted(tmp_path.glob("*/")))).glob("*.parquet"):
        file.write_bytes(b"nobody looks in here")
    since = START + timedelta(hours=12)
    assert log.predictions(since=since, until=later).height == 1
    assert log.predictions(answered_since=since).height == 1
    assert log.outcomes(received_since=since).height == 1
    assert len(log.figures(since=since)) == 1
