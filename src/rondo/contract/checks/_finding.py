"""What a check says: an error or a warning, and the problem."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from rondo.contract.loading import LoadedProject
from rondo.errors import Problem


@dataclass(frozen=True, slots=True)
class Finding:
    """What sections of the project file say about each other; an error keeps a run from starting."""

    level: Literal["error", "warning"]
    problem: Problem

    def __str__(self) -> str:
        return f"{self.level}: {self.problem}"


Path = tuple[str | int, ...]
Rule = Callable[[LoadedProject], Iterator[Finding]]


def error(loaded: LoadedProject, path: Path, what: str, rule: str, mend: str) -> Finding:
    """An error at the key."""
    return Finding("error", Problem(loaded.where(*path), what, rule, mend))


def warning(loaded: LoadedProject, path: Path, what: str, rule: str, mend: str) -> Finding:
    """A warning at the key."""
    return Finding("warning", Problem(loaded.where(*path), what, rule, mend))
