"""Files -> tables, and what is wrong with a file in words: which file, which line."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import polars as pl

from rondo.adapters.files.pattern import partitions
from rondo.errors import DataError, Problem
from rondo.ports.columns import check_width, from_records
from rondo.ports.texts import typed

FILE = "\0file"
"""No column of a user can have this name."""
_LINE_BYTES = 16 * 2**20
_SEPARATORS = {";": "a semicolon", "\t": "a tab", "|": "a bar"}


def differences(schemas: Mapping[str, Mapping[str, Any]], where: str) -> tuple[Problem, ...]:
    """How each file's columns differ from those of the first file; the order of columns does not matter."""
    (first, wanted), *others = schemas.items()
    problems = []
    for file, found in others:
        told = [f"{name!r} is missing" for name in wanted if name not in found]
        told += [f"{name!r} is added" for name in found if name not in wanted]
        told += [
            f"{name!r} is {found[name]} and was {wanted[name]}"
            for name in wanted
            if name in found and found[name] != wanted[name]
        ]
        if told:
            problems.append(
                Problem(
                    where,
                    f"{file} differs from {first}: {', '.join(told)}",
                    "All files of a source have the same columns",
                    "Write one of them again, or make them two sources",
                )
            )
    return tuple(problems)


def with_partitions(table: pl.DataFrame, files: Sequence[str], where: str) -> pl.DataFrame:
    """The table with a column per partition key of its files' folders, instead of the column of file names.

    Raises:
        DataError: some files lie in such folders and others do not.
    """
    found = {file: partitions(file) for file in files}
    keys = list(dict.fromkeys(key for keys in found.values() for key in keys if key not in table.columns))
    for key in keys:
        if without := next((file for file, keys_ in found.items() if key not in keys_), None):
            having = next(file for file, keys_ in found.items() if key in keys_)
            raise DataError(
                f"{having} lies in a folder {key}=…, {without} does not",
                where=where,
                rule="All files of a source have the same columns",
                mend="Make them two sources",
            )
        values = typed(pl.Series([keys_[key] for keys_ in found.values()], dtype=pl.String))
        lookup = pl.DataFrame({FILE: list(found), key: values})
        table = table.join(lookup, on=FILE, how="left", maintain_order="left")
    return table.drop(FILE)


def csv_tables(
    contents: Mapping[str, bytes], declared: Sequence[str], *, max_rows: int, where: str
) -> pl.DataFrame:
    """The rows of all files in their order. Declared columns stay text, the others get the type of their values.

    Raises:
        DataError: a file is not a table, or two files differ in their columns.
    """
    tables = {file: _csv(data, file, where) for file, data in contents.items()}
    if problems := differences(
        {file: dict.fromkeys(table.columns, "text") for file, table in tables.items()}, where
    ):
        raise DataError("the files do not have the same columns", problems=problems)
    order = next(iter(tables.values())).columns
    whole = pl.concat(
        [table.select(order).with_columns(pl.lit(file).alias(FILE)) for file, table in tables.items()]
    )
    if whole.height > max_rows:
        raise too_many(max_rows, where)
    whole = whole.with_columns(typed(whole[name]) for name in order if name not in declared)
    return with_partitions(whole, list(tables), where)


def _csv(data: bytes, file: str, where: str) -> pl.DataFrame:
    import pyarrow as pa
    from pyarrow import csv as arrow

    data = data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    text = _text(data, file, where)
    names = _header(text, file, where)
    if not data.endswith(b"\n"):
        data += b"\n"
    if text.count('"') % 2:
        _check_quotes(text, file, where)
    try:
        table = arrow.read_csv(
            pa.BufferReader(data),
            read_options=arrow.ReadOptions(column_names=names, skip_rows=1, block_size=_LINE_BYTES),
            parse_options=arrow.ParseOptions(newlines_in_values=True),
            convert_options=arrow.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()),
                strings_can_be_null=True,
                null_values=[""],
                quoted_strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
        raise _ragged(text, len(names), file, where, error) from error
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _text(data: bytes, file: str, where: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"line {line:,} of {file} is not UTF-8 (byte 0x{data[error.start]:02x} at {error.start:,})",
            where=where,
            mend="Convert the file: iconv -f latin1 -t utf-8",
        ) from error


def _header(text: str, file: str, where: str) -> list[str]:
    names = next(csv.reader(io.StringIO(text, newline="")), [])
    check_width(len(names), where=where)
    told = []
    if twice := sorted(name for name, times in Counter(names).items() if times > 1 and name):
        told.append(f"several columns are named {', '.join(map(repr, twice))}")
    if empty := [str(place) for place, name in enumerate(names, 1) if not name.strip()]:
        told.append(f"column {', '.join(empty)} has no name")
    if spaced := [name for name in names if name.strip() and name != name.strip()]:
        told.append(f"names with spaces around them: {', '.join(map(repr, spaced))}")
    if any("\n" in name or "\r" in name for name in names):
        told.append("a name goes over several lines")
    if len(names) == 1 and (separator := next((sign for sign in _SEPARATORS if sign in names[0]), None)):
        told.append(f"the columns are separated by {_SEPARATORS[separator]}, not by a comma")
    if not names:
        told.append("there is no header")
    if told:
        raise DataError(
            f"{file}: {'; '.join(told)}",
            where=where,
            rule="The first line names every column once, separated by commas",
        )
    return names


def _check_quotes(text: str, file: str, where: str) -> None:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    began = 1
    try:
        for _ in rows:
            began = rows.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"the row that begins on line {began:,} of {file}: {error}",
            where=where,
            rule="A quote that opens is closed",
        ) from error


def _ragged(text: str, width: int, file: str, where: str, error: Exception) -> DataError:
    rows = csv.reader(io.StringIO(text, newline=""))
    began = 1
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    for row in rows:
        if row and len(row) != width:
            return DataError(
                f"line {began:,} of {file} has {len(row)} values, the header names {width} columns",
                where=where,
                rule="Every line has one value per column; a value with a comma stands in quotes",
            )
        began = rows.line_num + 1
    if "block boundaries" in str(error):
        return DataError(
            f"{file} has a line of more than {_LINE_BYTES // 2**20} MiB", where=where, mend="Check its quotes"
        )
    return DataError(f"{file} is not a CSV table: {str(error)[:200]}", where=where)


def jsonl_table(contents: Mapping[str, bytes], *, max_rows: int, where: str) -> pl.DataFrame:
    """The rows of all files in their order; a line is an object.

    Raises:
        DataError: a line is no JSON object, or a column mixes types.
    """
    records: list[dict[str, Any]] = []
    files: list[str] = []
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    for file, data in contents.items():
        before = len(records)
        for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
            if not line or line.isspace():
                continue
            try:
                records.append(decode(line))
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                told = "a value is nested too deep" if isinstance(error, RecursionError) else error
                raise DataError(
                    f"line {number:,} of {file}: {told}",
                    where=where,
                    rule="Every line is one JSON object",
                ) from error
        if len(records) > max_rows:
            raise too_many(max_rows, where)
        files += [file] * (len(records) - before)
    table = from_records(records, where=where).with_columns(pl.Series(FILE, files, dtype=pl.String))
    return with_partitions(table, list(contents), where)


def check_fits(bytes_needed: float, where: str, *, most_bytes: int | None = None) -> None:
    """Sees that so much can be read; `most_bytes` is what is free on this machine unless given.

    Raises:
        DataError: it is more.
    """
    if most_bytes is None:
        import psutil

        most_bytes = int(psutil.virtual_memory().available)
    if bytes_needed > most_bytes:
        raise DataError(
            f"the files hold about {bytes_needed / 1e9:,.1f} GB, and {most_bytes / 1e9:,.1f} GB of memory are free",
            where=where,
            rule="What is read fits into memory",
            mend="Narrow the path, or read it on a machine with more memory",
        )


def too_many(max_rows: int, where: str) -> DataError:
    """More rows than the source may give."""
    return DataError(
        f"there are more than {max_rows:,} rows", where=where, mend="Narrow the path, or raise max_rows"
    )
