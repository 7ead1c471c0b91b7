"""One record per line: checksum, kind, JSON. A line that is not whole is left out and counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from zlib import crc32

import msgspec
import polars as pl

from rondo.records.prediction import Outcome, Prediction, RequestFigures, VersionFigures

Record = Prediction | Outcome | RequestFigures

PREDICTION, OUTCOME, FIGURES = b"P", b"O", b"F"
KINDS: Mapping[type[Record], bytes] = {Prediction: PREDICTION, Outcome: OUTCOME, RequestFigures: FIGURES}
CHECKSUM = 8  # hexadecimal digits, then the kind, then the JSON text

_TIME = pl.Datetime("us", "UTC")
SCHEMAS: Mapping[bytes, Mapping[str, pl.DataType]] = {
    PREDICTION: {
        "prediction_id": pl.String(),
        "at": _TIME,
        "event_time": _TIME,
        "version": pl.String(),
        "entity": pl.String(),
        "score": pl.Float64(),
        "label": pl.String(),
        "numerical": pl.List(pl.Float32()),
        "categorical": pl.List(pl.String()),
        "latency_ms": pl.Float64(),
        "shadow": pl.Boolean(),
        "unseen": pl.Int64(),
        "mirror_of": pl.String(),
    },
    OUTCOME: {"prediction_id": pl.String(), "value": pl.String(), "at": _TIME, "happened_at": _TIME},
    FIGURES: {
        "at": _TIME,
        "seconds": pl.Float64(),
        "requests": pl.Int64(),
        "errors": pl.Int64(),
        "rejected": pl.Int64(),
        "latency_ms": pl.List(pl.Float64()),
        "cpu_share": pl.Float64(),
        "memory_share": pl.Float64(),
        "memory_bytes": pl.Int64(),
        "dropped": pl.Int64(),
        "versions": pl.List(
            pl.Struct(
                {
                    "version": pl.String(),
                    "requests": pl.Int64(),
                    "errors": pl.Int64(),
                    "latency_ms": pl.List(pl.Float64()),
                    "dropped": pl.Int64(),
                }
            )
        ),
        "refused_outcomes": pl.Int64(),
    },
}
"""The columns of each kind: the fields of its record, in their order. A field that was added later is null in
lines and files from before."""

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Lines:
    """JSON texts of whole records by kind, and how many lines were not whole."""

    texts: dict[bytes, list[bytes]] = field(default_factory=lambda: {kind: [] for kind in SCHEMAS})
    torn: int = 0


def line_of(record: Record) -> bytes:
    """The record as its line, with the line's end. Numbers that are not finite become null."""
    body = KINDS[type(record)] + _encode(_figures_line(record) if type(record) is RequestFigures else record)
    return b"%08x%b\n" % (crc32(body), body)


def _figures_line(figures: RequestFigures) -> dict[str, Any]:
    """The figures with a list in place of the mapping: versions are values there, not names of columns."""
    plain = {name: getattr(figures, name) for name in SCHEMAS[FIGURES] if name != "versions"}
    versions = [
        {"version": version, **{name: getattr(one, name) for name in VersionFigures.__slots__}}
        for version, one in figures.versions.items()
    ]
    return {**plain, "versions": versions}


def figures_of(row: Mapping[str, Any]) -> RequestFigures:
    """The figures of a frame's row."""
    versions: Sequence[Mapping[str, Any]] = row["versions"] or ()
    return RequestFigures(
        **{
            **row,
            "latency_ms": tuple(row["latency_ms"]),
            "versions": {
                one["version"]: VersionFigures(
                    one["requests"], one["errors"], tuple(one["latency_ms"]), one["dropped"]
                )
                for one in versions
            },
            "refused_outcomes": row["refused_outcomes"] or 0,
        }
    )


def read_lines(data: bytes, *, growing: bool) -> Lines:
    """The whole records of a segment's bytes.

    Args:
        data: the bytes of a segment from its start.
        growing: whether somebody still writes it; an unfinished last line is then no damage.
    """
    found = Lines()
    *lines, tail = data.split(b"\n")
    if tail and not growing:
        found.torn += 1
    texts = found.texts
    for line in lines:
        body = line[CHECKSUM:]
        kind = body[:1]
        if kind in texts and b"%08x" % crc32(body) == line[:CHECKSUM]:
            texts[kind].append(body[1:])
        else:
            found.torn += 1
    return found


def frame_of(kind: bytes, texts: list[bytes]) -> pl.DataFrame:
    """The records as a frame, in order; times in UTC."""
    schema = SCHEMAS[kind]
    if not texts:
        return pl.DataFrame(schema=schema)
    plain = {name: pl.String() if dtype == _TIME else dtype for name, dtype in schema.items()}
    frame = pl.read_ndjson(BytesIO(b"\n".join(texts)), schema=plain)
    return frame.with_columns(
        pl.col(name).str.to_datetime("%+", time_unit="us", time_zone="UTC")
        for name, dtype in schema.items()
        if dtype == _TIME
    )
