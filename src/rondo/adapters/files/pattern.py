"""The path of a source: its {fields} filled in, its format, and partitions told by its folders. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any, Literal
from urllib.parse import unquote

from rondo.errors import ContractError, nearest

Format = Literal["parquet", "csv", "jsonl"]
SUFFIXES: Mapping[str, Format] = {
    ".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl",
}  # fmt: skip
_ARCHIVES = frozenset({".zip", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".tar", ".7z", ".rar"})
_FIELD = re.compile(r"\{([^{}]*)\}")
_HIVE = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_MAGIC = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Pattern:
    """Where files are looked for. `fixed` is the part of the path before its first wildcard."""

    path: str
    format: Format

    @property
    def remote(self) -> bool:
        """Whether it is in an object store."""
        return "://" in self.path

    @property
    def fixed(self) -> str:
        """The folder below which names may vary; hidden names and partitions count from there."""
        parts = self.path.split("/")
        steady = next((at for at, part in enumerate(parts) if _MAGIC.search(part)), len(parts) - 1)
        return "/".join(parts[:steady])


def fill(path: str, params: Mapping[str, Any] | Sequence[Any], *, where: str) -> str:
    """The path with every {field} replaced by its parameter.

    Raises:
        ContractError: a field or a parameter has no partner, or a value would leave its place in the path.
    """
    if not isinstance(params, Mapping):
        raise ContractError(
            "parameters of files are a mapping", where=where, mend="Write params: {name: value}"
        )
    used: set[str] = set()

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name not in params:
            raise ContractError(f"no parameter is named {name!r}", where=where, mend=nearest(name, params))
        used.add(name)
        raw = params[name]
        text = raw.isoformat() if isinstance(raw, date | datetime) else str(raw)
        if not text or text.startswith("/") or ".." in text.split("/") or "\\" in text or "\0" in text:
            raise ContractError(
                f"the parameter {name!r} is {text!r}",
                where=where,
                rule="It is a part of the path that stays below it",
            )
        return text

    filled = _FIELD.sub(value, path)
    if unused := sorted(set(params) - used):
        raise ContractError(
            f"the path does not use the parameter {unused[0]!r}",
            where=where,
            mend=f"Write {{{unused[0]}}} where it goes",
        )
    return filled


def plan(path: str, stated: Format | None, *, where: str) -> Pattern:
    """The pattern of a filled path; a path that ends in / stands for every file of the format below it.

    Raises:
        ContractError: the format is neither stated nor told by the name, it is an archive, or the address is not
            supported.
    """
    scheme, separator, _ = path.partition("://")
    if separator and scheme not in {"s3", "file"}:
        raise ContractError(
            f"files in {scheme}:// cannot be read",
            where=where,
            rule="A path or an s3:// URL",
            mend="Write s3://bucket/folder/*.parquet",
        )
    if scheme == "file" and separator:
        path = unquote(path.removeprefix("file://"))
    if path.endswith("/"):
        format_ = stated or "parquet"
        return Pattern(f"{path}**/*.{format_}", format_)
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in _ARCHIVES:
        raise ContractError(
            f"{PurePosixPath(path).name!r} is an archive",
            where=where,
            rule="Archives are not unpacked: what is inside may lie outside, or be without end",
            mend="Unpack it, and name the files",
        )
    told = SUFFIXES.get(suffix)
    if stated is None and told is None:
        raise ContractError(
            f"the name {PurePosixPath(path).name!r} does not tell the format",
            where=where,
            mend="Add format: parquet, csv or jsonl",
        )
    return Pattern(path, stated or told or "parquet")


def literal(path: str) -> str:
    """What every path that the pattern names begins with."""
    return _MAGIC.split(path, maxsplit=1)[0]


def matches(path: str, pattern: str) -> bool:
    """Whether the pattern names the path: * and ? stay within a folder, ** stands for any number of folders."""
    return _match(path.split("/"), pattern.split("/"))


def _match(parts: Sequence[str], wanted: Sequence[str]) -> bool:
    if not wanted:
        return not parts
    first, *later = wanted
    if first == "**":
        return any(_match(parts[skipped:], later or ("*",)) for skipped in range(len(parts)))
    return bool(parts) and fnmatchcase(parts[0], first) and _match(parts[1:], later)


def hidden(path: str, fixed: str) -> bool:
    """Whether a file is no data: a part of its name below `fixed` begins with _ or a dot (_SUCCESS, _temporary)."""
    below = path.removeprefix(fixed).strip("/")
    return any(part.startswith(("_", ".")) for part in below.split("/"))


def partitions(path: str) -> dict[str, str | None]:
    """The columns that folders like `date=2024-01-01` give, as text."""
    found = (_HIVE.fullmatch(part) for part in path.split("/")[:-1])
    return {
        match[1]: None if match[2] == "__HIVE_DEFAULT_PARTITION__" else unquote(match[2])
        for match in found
        if match
    }
