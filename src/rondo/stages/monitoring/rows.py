"""The answered rows that a look compares, window by window. Pure, but for the reading that it is given.

Windows are counted from rows without features; the values of features, most of a log, are read for the windows that are
compared, which are the few in which something has come since the last look.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from rondo.stages.monitoring.windows import Window, within

ReadWindow = Callable[[Window], pl.DataFrame]
"""Gives every row of a window of event time, whichever version answered it, with the values of its features."""


class Rows:
    """What the watched version answered, and what it and versions with the same features did.

    Args:
        predictions: see PredictionLog.
        version: that is watched.
        alike: others with the same features.
        read: where `predictions` come without the values of features.
    """

    def __init__(
        self,
        predictions: pl.DataFrame,
        version: str,
        alike: frozenset[str] = frozenset(),
        read: ReadWindow | None = None,
    ) -> None:
        self._predictions, self._read = predictions, read
        self._version, self._others = version, sorted(alike - {version})
        self.own = self._own(predictions)
        """What the watched version answered clients, once each."""
        self._alike = self._with_others(predictions)

    def own_in(self, window: Window) -> pl.DataFrame:
        """The version's own rows of the window, with the values of their features."""
        return self._own(self._whole(window))

    def alike_in(self, window: Window) -> pl.DataFrame:
        """The rows of all versions with these features, with the values of them."""
        return self._with_others(self._whole(window))

    def count(self, window: Window) -> tuple[int, int]:
        """How many own rows the window has, and how many of all versions with these features."""
        return within(self.own, window).height, within(self._alike, window).height

    def _whole(self, window: Window) -> pl.DataFrame:
        return within(self._predictions, window) if self._read is None else self._read(window)

    def _own(self, rows: pl.DataFrame) -> pl.DataFrame:
        own = rows.filter((pl.col("version") == self._version) & ~pl.col("shadow"))
        return own.unique("prediction_id", keep="first", maintain_order=True)

    def _with_others(self, rows: pl.DataFrame) -> pl.DataFrame:
        others = rows.filter(pl.col("version").is_in(self._others) & ~pl.col("shadow"))
        own = self._own(rows)
        return pl.concat([own, others], how="diagonal_relaxed") if others.height else own
