"""What every bad input is held to: the right refusal, in words that help, and nothing changed by it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rondo.errors import RondoError


@dataclass(frozen=True, slots=True)
class Bad:
    """One bad input: its row in the catalogue, what it is, what makes it, and how it is refused.

    `says` are parts of the refusal's text: where it is, what is wrong, and what is the rule or the mend.
    """

    row: str
    what: str
    made: Any
    kind: type[RondoError]
    says: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.row} {self.what}"


@dataclass(frozen=True, slots=True)
class Taken:
    """An input that only looks bad: its row, what it is, what makes it, and what it comes to."""

    row: str
    what: str
    made: Any
    gives: Any

    def __str__(self) -> str:
        return f"{self.row} {self.what}"


@contextmanager
def refused(bad: Bad, *folders: Path, besides: Callable[[], Any] = lambda: None) -> Iterator[None]:
    """The block refuses the input as the table says, and leaves the folders and `besides` as they were."""
    before = [photograph(folder) for folder in folders], besides()
    with pytest.raises(RondoError) as caught:
        yield
    told(bad, caught.value)
    assert ([photograph(folder) for folder in folders], besides()) == before


def told(bad: Bad, error: RondoError) -> None:
    """The error is of that class and says what, where, and at least one of rule and mend."""
    assert isinstance(error, bad.kind), repr(error)
    assert error.exit_code == bad.kind.exit_code
    text = str(error)
    for part in bad.says:
        assert part in text
    assert "Traceback" not in text
    for problem in error.problems:
        assert problem.what
        # Of what has no place, such as a version, the table says by what it is named.
        assert problem.where or bad.says, text
        assert problem.rule or problem.mend, text


def photograph(folder: Path) -> dict[str, str]:
    """Every path below the folder, with its content's hash where it is a plain file."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file() and not path.is_symlink()
        else "link"
        if path.is_symlink()
        else "folder"
        for path in sorted(folder.rglob("*"))
    }


def names(rows: Any) -> list[str]:
    """Ids for pytest."""
    return [str(row) for row in rows]
