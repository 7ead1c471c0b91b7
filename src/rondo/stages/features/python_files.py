"""The user's feature functions as files: found without being run, copied with their hash."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from pathlib import Path

from rondo.errors import ContractError, nearest
from rondo.records.files import write_bytes


def checked_function(root: Path, reference: str, *, where: str) -> tuple[str, str]:
    """The file of `file.py:function`, relative to the root, and its SHA-256. The file is read, not run.

    Raises:
        ContractError: the reference leads nowhere, or out of the project.
    """
    file, _, function = reference.rpartition(":")
    if not file or not function.isidentifier():
        raise ContractError(f"{reference!r} is not file.py:function", where=where)
    path = (root / file).resolve()
    if Path(file).is_absolute() or not path.is_relative_to(root.resolve()) or "\\" in file:
        raise ContractError(f"{file!r} lies outside of the project", where=where)
    if not path.is_file():
        raise ContractError(f"there is no file {file!r}", where=where, mend=f"Write it: {root.name}/{file}")
    source = path.read_bytes()
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        place = f"{file}:{line}" if line else file
        raise ContractError(f"{place} is not Python: {error}", where=where) from error
    names = {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}
    if function not in names:
        raise ContractError(
            f"{file} has no function {function!r}", where=where, mend=nearest(function, names)
        )
    return Path(file).as_posix(), hashlib.sha256(source).hexdigest()


def copy_files(root: Path, files: Iterable[str], into: Path) -> None:
    """Puts the files under the folder, at the same relative places."""
    for file in files:
        write_bytes(into / file, (root / file).read_bytes())
