"""Where data is read from."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from rondo.contract.data import Source

if TYPE_CHECKING:
    import polars as pl

Resolve = Callable[[str], str]
"""Replaces ${NAME} and env:NAME by their values at the moment of use."""


class SourceReader(Protocol):
    """Reads one kind of source, once: retries are the caller's.

    Implementations never write to the source, bind every parameter, and mask secrets in what they raise.
    """

    def read(self, name: str, source: Source, resolve: Resolve) -> pl.DataFrame:
        """Every row of the source.

        Raises:
            TemporaryPortError: it did not answer; trying again makes sense.
            NotAvailable: it is not there or refuses.
            DataError: it answered with something that is not the data asked for.
            ContractError: what the project file asks of it cannot be.
        """

    def origin(self, source: Source) -> str:
        """Where it reads, for people and lineage, without secrets."""
