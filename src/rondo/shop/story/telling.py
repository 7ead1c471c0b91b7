"""What a story is made of: chapters with their figures, and checks that they really happened."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from rondo.errors import RondoError
from rondo.records.experiment import Reading
from rondo.records.monitoring import Alert, Decision, Observation
from rondo.records.release import Event
from rondo.shop.story.days import FIRST, moment
from rondo.shop.story.pace import UNHURRIED, Pace
from rondo.shop.traffic import Tally

COLUMNS = 79


class StoryBroken(RondoError):
    """A chapter did not really happen."""

    kind = "story"


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure of a chapter."""

    name: str
    value: str
    said: bool = False


@dataclass
class Chapter:
    """What was done, how long it took, and its figures. `began` is in seconds since the story began."""

    title: str
    began: float = 0.0
    facts: list[Fact] = field(default_factory=list)
    seconds: float = 0.0

    def tell(self, name: str, value: object, *, said: bool = False) -> None:
        """Adds a figure; `said` when the progress has told it already."""
        self.facts.append(Fact(name, str(value), said))


@dataclass(frozen=True, slots=True)
class Look:
    """What monitoring saw at a moment of the shop."""

    at: datetime
    observations: Sequence[Observation]


@dataclass
class Story:
    """The story so far."""

    folder: Path
    customers: int
    seed: int
    say: Callable[[str], None]
    pace: Pace = UNHURRIED
    now: datetime = field(default_factory=lambda: moment(FIRST))
    chapters: list[Chapter] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    alerts: list[Alert] = field(default_factory=list)
    recovered: list[Alert] = field(default_factory=list)
    received: list[str] = field(default_factory=list)
    reading: Reading | None = None
    decision: Decision | None = None
    looks: list[Look] = field(default_factory=list)
    events: Sequence[Event] = ()
    began: float = field(default_factory=time.monotonic)

    @contextmanager
    def chapter(self, title: str) -> Iterator[Chapter]:
        """A chapter that is told when it is over."""
        started = time.monotonic()
        chapter = Chapter(title, started - self.began)
        self.say("")
        self.say(wrapped(f"{len(self.chapters) + 1}. {title}", indent=0, further=3))
        yield chapter
        chapter.seconds = time.monotonic() - started
        self.chapters.append(chapter)
        for fact in chapter.facts:
            if not fact.said:
                self.say(wrapped(f"{fact.name}: {fact.value}"))
        self.say(f"   ({chapter.seconds:.1f} s)")

    def check(self, happened: bool, otherwise: str) -> None:
        """Ends the story when it did not happen.

        Raises:
            StoryBroken: with what should have happened.
        """
        if not happened:
            chapter = self.chapters[-1].title if self.chapters else "the beginning"
            raise StoryBroken(otherwise, where=f"after {chapter!r}", mend=f"The project is in {self.folder}.")


@dataclass
class Told:
    """Progress as lines of the story; the last ones are kept for a chapter."""

    say_line: Callable[[str], None]

    def say(self, text: str) -> None:
        """One line that stays."""
        self.say_line(wrapped(f"· {text}", indent=3, further=5))

    def step(self, task: str, done: int, total: int, note: str = "") -> None:
        """Finer steps would only fill a page."""


def wrapped(text: str, *, indent: int = 3, further: int = 6) -> str:
    """The text in lines that a terminal of 80 columns shows whole."""
    return textwrap.fill(
        text,
        COLUMNS,
        initial_indent=" " * indent,
        subsequent_indent=" " * further,
        break_long_words=False,
        break_on_hyphens=False,
    )
