"""Files as chunks of rows, values as a request would bring them.

A Parquet column keeps its type; what requests cannot have becomes what they can: a date a moment, a decimal a
number, NaN a missing value. A CSV cell is text and becomes the type that its column is asked to have, where it
can; where it cannot it stays text, and whoever checks the values refuses it in their own words. A JSON line is
decoded by whoever decodes requests.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import polars as pl

from rondo.errors import DataError, NotAvailable
from rondo.stages.scoring.kinds import FileKind, kind_of

ROWS_AT_ONCE = 4096
LINE_BYTES = 16 * 2**20

Row = dict[str, Any]
Decode = Callable[[bytes], Row]
"""Gives the object of a JSON line, or raises ValueError with what is wrong."""


@dataclass(slots=True)
class Chunk:
    """Some rows in the order of the file.

    `rows` are the values that were asked for, by name; a row that cannot be read is empty, and `faults` says why
    by its place. `kept` is all that was read, for the output: a table, or for JSON lines the objects. `done` of
    `Source.size` is read by now.
    """

    rows: list[Row]
    lines: Sequence[int]
    kept: pl.DataFrame | list[Row]
    done: int
    faults: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """A file that is read from its beginning each time `chunks` is called.

    `schema` is that of the tables in the chunks, None for JSON lines; `unit` is what `Chunk.lines` counts, and
    `size` what `Chunk.done` counts.
    """

    path: Path
    kind: FileKind
    schema: pl.Schema | None
    size: int
    unit: str
    chunks: Callable[[], Iterator[Chunk]]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a table, none for JSON lines."""
        return tuple(self.schema or ())


def open_source(path: Path, asked: Mapping[str, str | None], decode: Decode) -> Source:
    """The file, ready to be read.

    Args:
        path: it ends in .parquet, .csv or .jsonl.
        asked: the names that may be asked for, and the type of each: float, int, bool, string, datetime, or None
            where several fit. Other columns are kept, and given to nobody.
        decode: reads a JSON line.

    Raises:
        UsageError: the file's name does not say what it is.
        NotAvailable: there is no such file.
        DataError: it is not what its name says.
    """
    kind = kind_of(path)
    if not path.is_file():
        raise NotAvailable("there is no such file", where=str(path))
    match kind:
        case "parquet":
            return _parquet(path, asked)
        case "csv":
            return _csv(path, asked)
        case "jsonl":
            size = path.stat().st_size
            return Source(path, kind, None, size, "line", lambda: _json_chunks(path, asked, decode))


# ---- Parquet ---------------------------------------------------------------------------------------------------


def _parquet(path: Path, asked: Mapping[str, str | None]) -> Source:
    import pyarrow as pa
    from pyarrow import parquet

    # Arrow, because Polars ends the whole process on some damaged files.
    try:
        with parquet.ParquetFile(path) as opened:
            schema, size = _frame(opened.schema_arrow.empty_table()).schema, opened.metadata.num_rows
    except (pa.ArrowException, *_UNREADABLE) as error:
        raise DataError(
            f"not a Parquet file: {_first_line(error)}", where=str(path), mend="Write it again"
        ) from error
    wanted = {name: kind for name, kind in schema.items() if name in asked}
    return Source(path, "parquet", schema, size, "row", lambda: _parquet_chunks(path, wanted))


def _parquet_chunks(path: Path, wanted: Mapping[str, pl.DataType]) -> Iterator[Chunk]:
    import pyarrow as pa
    from pyarrow import parquet

    values = [_as_request(name, kind) for name, kind in wanted.items()]
    done = 0
    try:
        with parquet.ParquetFile(path) as opened:
            for batch in opened.iter_batches(batch_size=ROWS_AT_ONCE):
                part = _frame(pa.Table.from_batches([batch]))
                rows = part.select(values).rows(named=True) if values else [{} for _ in range(part.height)]
                lines = range(done + 1, done + part.height + 1)
                done += part.height
                yield Chunk(rows, lines, part, done)
    except (pa.ArrowException, *_UNREADABLE) as error:
        raise DataError(
            f"cannot be read: {_first_line(error)}", where=str(path), mend="Write it again"
        ) from error


_UNREADABLE = (OSError, ValueError, pl.exceptions.PolarsError, pl.exceptions.PanicException)


def _frame(table: Any) -> pl.DataFrame:
    table.validate(full=True)  # Polars takes texts for UTF-8 without looking
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:200]


def _as_request(name: str, kind: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if kind.is_float():
        return column.fill_nan(None)
    if kind.is_decimal():
        return column.cast(pl.Float64)
    if kind == pl.Date:
        return column.cast(pl.Datetime("us"))
    if isinstance(kind, pl.Categorical | pl.Enum):
        return column.cast(pl.String)
    return column


# ---- CSV -------------------------------------------------------------------------------------------------------


def _csv(path: Path, asked: Mapping[str, str | None]) -> Source:
    with _opened(path) as file:
        head = next(_cells(path, csv.reader(file, strict=True)), None)
    if head is None:
        raise DataError("the file is empty", where=str(path), rule="Its first line names the columns")
    names = head[1]
    if twice := sorted({name for name in names if names.count(name) > 1 or not name}):
        raise DataError(
            f"columns without a name of their own: {', '.join(map(repr, twice))}", where=f"{path}:1"
        )
    schema = pl.Schema(dict.fromkeys(names, pl.String()))
    kinds = {place: (name, asked[name]) for place, name in enumerate(names) if name in asked}
    return Source(path, "csv", schema, path.stat().st_size, "line", lambda: _csv_chunks(path, names, kinds))


def _csv_chunks(
    path: Path, names: Sequence[str], kinds: Mapping[int, tuple[str, str | None]]
) -> Iterator[Chunk]:
    with _opened(path) as file:
        reader = _cells(path, csv.reader(file, strict=True))
        next(reader)
        lines: list[int] = []
        cells: list[list[str]] = []
        for line, row in reader:
            lines.append(line)
            cells.append(row)
            if len(cells) == ROWS_AT_ONCE:
                yield _csv_chunk(names, kinds, lines, cells, file.buffer.tell())
                lines, cells = [], []
        yield _csv_chunk(names, kinds, lines, cells, file.buffer.tell())


def _csv_chunk(
    names: Sequence[str],
    kinds: Mapping[int, tuple[str, str | None]],
    lines: list[int],
    cells: list[list[str]],
    done: int,
) -> Chunk:
    width, faults = len(names), dict[int, str]()
    rows: list[Row] = []
    for place, row in enumerate(cells):
        if len(row) == width:
            rows.append({name: value_of(row[at], kind) for at, (name, kind) in kinds.items()})
        else:
            faults[place] = f"the line has {len(row)} cells, the first line names {width} columns"
            rows.append({})
            cells[place] = [*row[:width], *[""] * (width - len(row))]
    kept = pl.DataFrame(cells, schema=dict.fromkeys(names, pl.String()), orient="row")
    return Chunk(rows, lines, kept.with_columns(pl.all().replace("", None)), done, faults)


_WHOLE = re.compile(r"^[+-]?[0-9]{1,19}$")
_NUMBER = re.compile(r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$")


def value_of(cell: str, kind: str | None) -> Any:
    """The cell in the type that is asked for; itself where it is not of that type, None where it is empty."""
    if cell == "":
        return None
    bare = cell.strip()
    match kind:
        case "float" | "int" if _NUMBER.match(bare):
            return int(bare) if _WHOLE.match(bare) else float(bare)
        case "bool" if bare.lower() in ("true", "false"):
            return bare.lower() == "true"
        case _:
            return cell


def _opened(path: Path) -> Any:
    return path.open(encoding="utf-8-sig", newline="")


def _cells(path: Path, reader: Any) -> Iterator[tuple[int, list[str]]]:
    """The line on which each row begins, and its cells; blank lines are passed over."""
    begins = 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(f"not CSV: {error}", where=f"{path}:{begins}") from error
        except UnicodeDecodeError as error:
            what = f"not UTF-8: byte {error.object[error.start]:#x} after line {reader.line_num}"
            raise DataError(what, where=str(path), mend="Save the file as UTF-8.") from error
        if row:
            yield begins, row
        begins = reader.line_num + 1


# ---- JSON lines ------------------------------------------------------------------------------------------------


def _json_chunks(path: Path, asked: Mapping[str, str | None], decode: Decode) -> Iterator[Chunk]:
    with path.open("rb") as file:
        whole: list[Row] = []
        lines: list[int] = []
        faults: dict[int, str] = {}

        def chunk() -> Chunk:
            rows = [{name: value for name, value in row.items() if name in asked} for row in whole]
            return Chunk(rows, lines, whole, file.tell(), faults)

        for line, text in enumerate(_lines(path, file), start=1):
            if not text.strip():
                continue
            try:
                whole.append(decode(text))
            except ValueError as error:
                faults[len(lines)] = str(error)
                whole.append({})
            lines.append(line)
            if len(lines) == ROWS_AT_ONCE:
                yield chunk()
                whole, lines, faults = [], [], {}
        yield chunk()


def _lines(path: Path, file: IO[bytes]) -> Iterator[bytes]:
    first = True
    while text := file.readline(LINE_BYTES + 1):
        if len(text) > LINE_BYTES:
            raise DataError(f"a line is longer than {LINE_BYTES:,} bytes", where=str(path))
        yield text.removeprefix(b"\xef\xbb\xbf") if first else text
        first = False
