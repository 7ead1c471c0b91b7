"""Outcomes as they are written, by whatever process: each call reads only what came since the last one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from zlib import crc32

import msgspec
import polars as pl

from rondo.adapters.segments.records import CHECKSUM, OUTCOME, SCHEMAS
from rondo.records.prediction import Outcome

_decode = msgspec.json.Decoder(Outcome).decode


class SegmentFollower:
    """Follows the segments of a folder. One caller at a time.

    A segment that was read as text and became Parquet since is read once more: what a caller keeps of an outcome
    must not change when it comes twice.
    """

    def __init__(self, folder: Path, *, opened: str, sealed: str, compacted: str) -> None:
        """
        Args:
            folder: of the segments.
            opened: suffix of a segment that is written.
            sealed: suffix of one that is not written any more.
            compacted: name of the file of outcomes in a compacted segment.
        """
        self._folder, self._suffixes, self._compacted = folder, (opened, sealed), compacted
        self._read: dict[str, int] = {}  # bytes of segments that are text
        self._done: set[str] = set()

    def newer(self) -> Sequence[Outcome]:
        """The outcomes that were written since the last call, in no particular order; at first all of them."""
        found: list[Outcome] = []
        whole: list[str] = []
        for stem, is_folder in self._stems():
            if is_folder:
                whole.append(stem)
            else:
                found += self._text(stem)
        if whole:
            found += self._tables(whole)
        return found

    def _stems(self) -> list[tuple[str, bool]]:
        stems: dict[str, bool] = {}
        with suppress(FileNotFoundError), os.scandir(self._folder) as entries:
            for entry in entries:
                stem = entry.name
                for suffix in self._suffixes:
                    stem = stem.removesuffix(suffix)
                if not stem.startswith(".") and stem not in self._done:
                    stems[stem] = stems.get(stem, False) or entry.is_dir()
        return sorted(stems.items())

    def _text(self, stem: str) -> list[Outcome]:
        start = self._read.get(stem, 0)
        # Open first: it may be sealed between the two looks, but never the other way round.
        for suffix in self._suffixes:
            with suppress(FileNotFoundError), (self._folder / f"{stem}{suffix}").open("rb") as file:
                file.seek(start)
                data = file.read()
                end = data.rfind(b"\n") + 1
                self._read[stem] = start + end
                return list(_outcomes(data[:end]))
        return []  # compacted since the listing: the next call finds it

    def _tables(self, stems: Sequence[str]) -> list[Outcome]:
        files = [self._folder / stem / self._compacted for stem in stems]
        frame = pl.scan_parquet(files, schema=SCHEMAS[OUTCOME], missing_columns="insert").collect()
        self._done.update(stems)
        for stem in stems:
            self._read.pop(stem, None)
        return [Outcome(**row) for row in frame.iter_rows(named=True)]


def _outcomes(data: bytes) -> Iterator[Outcome]:
    """The whole outcomes among the lines; what is not whole is the reader's to count."""
    for line in data.split(b"\n"):
        body = line[CHECKSUM:]
        if body[:1] == OUTCOME and b"%08x" % crc32(body) == line[:CHECKSUM]:
            yield _decode(body[1:])
