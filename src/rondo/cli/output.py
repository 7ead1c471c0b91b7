"""Tables, JSON and progress for people and for programs."""

from __future__ import annotations

import atexit
import sys
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from rondo.records.files import to_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID


@cache
def console(*, stderr: bool = False) -> Console:
    """The terminal; colours only where there are any, and no markup in what data says."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, highlight=False, emoji=False, soft_wrap=stderr)


def say(text: str = "") -> None:
    """A line for the person."""
    console().print(text, soft_wrap=True)


def say_json(record: Any) -> None:
    """A record for a program."""
    sys.stdout.write(to_json(record).decode())


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table that is never wider than the terminal; long cells are folded."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in head:
        shown.add_column(name, overflow="fold")
    for row in rows:
        shown.add_row(*(Text(_plain(cell)) for cell in row))
    console().print(shown)


def wide(columns: int) -> bool:
    """Whether the terminal has so many columns."""
    return console().width >= columns


def _plain(cell: object) -> str:
    """Control characters would move the cursor of whoever reads the table."""
    return "".join(c if c.isprintable() else " " for c in str(cell))


class Lines:
    """Progress as plain lines: for logs, pipes and dumb terminals."""

    def say(self, text: str) -> None:
        """One line that stays."""
        print(text, file=sys.stderr, flush=True)  # noqa: T201

    def step(self, task: str, done: int, total: int, note: str = "") -> None:
        """Finer steps would only fill a log."""


class Bars:
    """Progress as bars at the foot of a terminal, under the lines that stay."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
            console=console(stderr=True),
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self.said = ""
        """The line that the terminal shows last."""
        # Work that ends with an error leaves its bars half way; the terminal gets its cursor back all the same.
        atexit.register(self._bars.stop)

    def say(self, text: str) -> None:
        """One line that stays, broken between words."""
        console(stderr=True).print(text, soft_wrap=False)
        self.said = text

    def step(self, task: str, done: int, total: int, note: str = "") -> None:
        """`done` of `total` units of a task are finished."""
        if not self._tasks:
            self._bars.start()
        if task not in self._tasks:
            self._tasks[task] = self._bars.add_task(task, note=note)
        self._bars.update(self._tasks[task], completed=done, total=total, note=note)
        if done >= total:
            self._bars.remove_task(self._tasks.pop(task))
            if not self._tasks:
                self._bars.stop()


def progress() -> Bars | Lines:
    """Bars on a terminal, lines elsewhere."""
    return (
        Bars() if console(stderr=True).is_terminal and not console(stderr=True).is_dumb_terminal else Lines()
    )


def untold(shown: Bars | Lines, text: str) -> str:
    """What of the text the person does not have before them: on a terminal progress and results share the lines."""
    if isinstance(shown, Bars) and console().is_terminal:
        return text.removeprefix(shown.said).strip()
    return text


def person(*, otherwise: str = "") -> str:
    """Who asks, as the system knows them.

    Args:
        otherwise: who it is where the system does not know.

    Raises:
        UsageError: it does not, and there is no such word: nothing is approved by nobody.
    """
    from getpass import getuser

    from rondo.errors import UsageError

    try:
        return getuser()
    except (OSError, KeyError):  # a container without a name for its user
        if otherwise:
            return otherwise
        raise UsageError("the system does not know who you are", mend="Set USER.") from None
