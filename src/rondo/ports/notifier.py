"""Tells people who are not looking; one keeper per receiver, so that each can be tried again alone."""

from __future__ import annotations

from typing import Literal, Protocol

Severity = Literal["info", "warning", "critical", "recovered"]


class Notifier(Protocol):
    """Sends messages to one receiver that the contract names."""

    def send(self, title: str, body: str, *, severity: Severity) -> None:
        """Returns when the receiver has taken it.

        Raises:
            NotAvailable: it did not; the message names it without its secrets. Trying again is right.
            ContractError: it cannot be reached as the project file names it.
        """
