"""Files of an object store (S3), through Polars: which ones a pattern names, and their bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import polars as pl

from rondo.adapters.files.pattern import Pattern, hidden
from rondo.contract.references import mask
from rondo.errors import DataError, NotAvailable, RondoError, TemporaryPortError

_FILE, _LINE = "file", "line"
_ABSENT = ("404", "nosuchkey", "nosuchbucket", "not found", "expanded paths were empty")
_REFUSED = (
    "401",
    "403",
    "accessdenied",
    "access denied",
    "forbidden",
    "invalidaccesskeyid",
    "signaturedoesnotmatch",
)
_AWAY = (
    "error sending request",
    "timed out",
    "timeout",
    "connection",
    "tcp connect",
    "dns",
    "500",
    "502",
    "503",
    "504",
)


def options(storage: Mapping[str, str], timeout_s: float) -> dict[str, str]:
    """Options of the store; what is not said keeps a request within the source's time."""
    return {"timeout": f"{timeout_s:g}s", "connect_timeout": "5s", "max_retries": "1", **storage}


def named(pattern: Pattern, storage: Mapping[str, str], *, where: str) -> list[str]:
    """The Parquet files that the pattern names, in order of their names; those without rows are left out.

    Raises:
        NotAvailable: there is none, or the store refuses.
        TemporaryPortError: the store did not answer.
    """
    with translated(pattern.path, storage, where):
        found = pl.scan_parquet(
            pattern.path,
            storage_options=dict(storage),
            hidden_file_prefix=["_", "."],
            hive_partitioning=False,
            include_file_paths=_FILE,
            missing_columns="insert",
            extra_columns="ignore",
        )
        return found.select(pl.col(_FILE).unique(maintain_order=True)).collect().get_column(_FILE).to_list()


def contents(pattern: Pattern, storage: Mapping[str, str], *, where: str) -> dict[str, bytes]:
    """The text files that the pattern names with their bytes, in order of their names.

    Raises:
        NotAvailable: there is none, or the store refuses.
        TemporaryPortError: the store did not answer.
    """
    with translated(pattern.path, storage, where):
        lines = pl.scan_lines(
            pattern.path, name=_LINE, storage_options=dict(storage), include_file_paths=_FILE
        ).collect()
    files = {
        str(file): "\n".join(part.get_column(_LINE).to_list()).encode() + b"\n"
        for (file,), part in lines.partition_by(_FILE, maintain_order=True, as_dict=True).items()
    }
    shown = {file: data for file, data in files.items() if not hidden(file, pattern.fixed)}
    if not shown:
        raise DataError(f"{pattern.path} gives 0 rows", where=where, mend="Check the path and the parameters")
    return shown


@contextmanager
def translated(path: str, storage: Mapping[str, str], where: str) -> Iterator[None]:
    """Errors of the store as ours."""
    try:
        yield
    except RondoError:
        raise
    except (OSError, pl.exceptions.PolarsError) as error:
        raise told(error, path, storage, where) from error


def told(error: Exception, path: str, storage: Mapping[str, Any], where: str) -> RondoError:
    """What an error of reading means; values of the storage options are never shown."""
    said = " ".join(str(error).split())
    low = said.lower()
    for name, value in storage.items():
        if any(word in name for word in ("key", "secret", "token", "password")) and value:
            said = said.replace(str(value), "…")
    said = mask(said)[:300]
    if "parquet:" in low or "out of specification" in low:
        return incomplete(path, where)
    if any(word in low for word in _ABSENT):
        return NotAvailable(f"no file matches {path}", where=where, mend="Check bucket, path and parameters")
    if any(word in low for word in _REFUSED):
        return NotAvailable(
            f"the store refuses {path}", where=where, mend="Check the keys and rights in `storage`"
        )
    if isinstance(error, ConnectionError | TimeoutError) or any(word in low for word in _AWAY):
        return TemporaryPortError(f"the store did not answer: {said}", where=where)
    return DataError(f"{path} cannot be read: {said}", where=where)


def incomplete(path: str, where: str) -> DataError:
    """A Parquet file without its end."""
    return DataError(
        f"{path} is an incomplete file",
        where=where,
        rule="A Parquet file ends with its footer; the writer of this one died, or it is something else",
        mend="Write it again",
    )
