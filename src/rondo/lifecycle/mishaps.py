"""What fails in work that goes on for ever: it is told, and the work goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb

from rondo.errors import RondoError
from rondo.lifecycle.workshop import Workshop

FAILED = "upkeep.failed"


class Mishaps:
    """Tells, on the console and in the event log, what fails in one kind of work.

    The same failure again and again is told once, and again after the work went well: it must not fill the log.
    """

    def __init__(self, workshop: Workshop, what: str) -> None:
        self._workshop, self._what, self._said = workshop, what, ""

    @contextmanager
    def survived(self) -> Iterator[None]:
        """Ends the block where something fails, whatever it is: the next time it may go well."""
        try:
            yield
        except Exception as error:
            words = str(error) if isinstance(error, RondoError) else f"{type(error).__name__}: {error}"
            if words != self._said:
                self._said = words
                self._tell(words, {} if isinstance(error, RondoError) else {"where": _where(error)})
        else:
            self._said = ""

    def _tell(self, words: str, details: dict[str, str]) -> None:
        workshop = self._workshop
        workshop.progress.say(f"{self._what}: {words}")
        try:
            workshop.state.append(
                FAILED, self._what, by="rondo up", reason=words, details=details, at=workshop.clock()
            )
        except Exception as error:
            workshop.progress.say(f"{self._what}: not even that could be written down: {error}")


def _where(error: Exception) -> str:
    """The line that failed: nobody reads a traceback where this is told."""
    frames = extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
