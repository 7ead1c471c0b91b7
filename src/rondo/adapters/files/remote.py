"""Files of an object store (S3), through Polars: which ones a pattern names, and their bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import polars as pl

from rondo.adapters.files.pattern import Pattern, hidden
from rondo.contract.references import mask
from rondo.errors import ContractError, DataError, NotAvailable, RondoError, TemporaryPortError

_FILE, _LINE = "file", "line"
_NUMBERS = {"max_retries", "file_cache_ttl"}
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


def options(storage: Mapping[str, str], timeout_s: float, *, where: str) -> dict[str, Any]:
    """Options of the store; what is not said keeps a request within the source's time.

    Raises:
        ContractError: a number is none.
    """
    made: dict[str, Any] = {
        "timeout": f"{timeout_s:g}s",
        "connect_timeout": "5s",
        "max_retries": 1,
        **storage,
    }
    for name in _NUMBERS & made.keys():
        try:
            made[name] = int(made[name])
        except ValueError as error:
            raise ContractError(
                f"storage.{name} is {made[name]!r}", where=where, rule="It is a number"
            ) from error
    return made


def named(pattern: Pattern, storage: Mapping[str, Any], *, where: str) -> list[str]:
    """The Parquet files that the pattern names, in order of their names; those without rows or bytes are left out.

    Raises:
        NotAvailable: there is none, or the store refuses.
        TemporaryPortError: the store did not answer.
    """
    with translated(pattern.path, storage, where):
        scan = pl.scan_parquet(
            pattern.path,
            storage_options=dict(storage),
            hive_partitioning=False,
            include_file_paths=_FILE,
            missing_columns="insert",
            extra_columns="ignore",
        )
        try:
            files = _files(scan)
        except pl.exceptions.ComputeError as error:
            if not _is_incomplete(error):
                raise
            # One of them is no whole Parquet file: perhaps a hidden one. Lines are found in any file.
            files = _files(
                pl.scan_lines(pattern.path, storage_options=dict(storage), include_file_paths=_FILE)
            )
        return [file for file in files if not hidden(file, pattern.fixed)]


def _files(scan: pl.LazyFrame) -> list[str]:
    found = scan.select(pl.col(_FILE).unique(maintain_order=True)).collect()
    return [str(file) for file in found.get_column(_FILE)]


def contents(pattern: Pattern, storage: Mapping[str, Any], *, where: str) -> dict[str, bytes]:
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
def translated(path: str, storage: Mapping[str, Any], where: str) -> Iterator[None]:
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
    if _is_incomplete(error):
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


def _is_incomplete(error: Exception) -> bool:
    low = str(error).lower()
    return "parquet:" in low or "out of specification" in low


def incomplete(path: str, where: str) -> DataError:
    """A Parquet file without its end."""
    return DataError(
        f"{path} is an incomplete file",
        where=where,
        rule="A Parquet file ends with its footer; the writer of this one died, or it is something else",
        mend="Write it again",
    )
