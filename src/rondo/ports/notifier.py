"""Tells people who are not looking."""

from __future__ import annotations

from typing import Literal, Protocol

Severity = Literal["info", "warning", "critical", "recovered"]


class Notifier(Protocol):
    """Sends a message everywhere that the contract names."""

    def send(self, title: str, body: str, *, severity: Severity) -> None:
        """Returns when every receiver has taken it.

        Raises:
            NotAvailable: some did not; the message names them without their secrets. Trying again is right.
        """
