"""Telling a person how far the work is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Takes steps of work; on a terminal a bar, elsewhere plain lines, in tests nothing."""

    def say(self, text: str) -> None:
        """One line that stays."""

    def step(self, task: str, done: int, total: int, note: str = "") -> None:
        """`done` of `total` units of a task are finished."""


class Silent:
    """Says nothing."""

    def say(self, text: str) -> None:
        """Nothing."""

    def step(self, task: str, done: int, total: int, note: str = "") -> None:
        """Nothing."""
