"""Series that are forecast: the seasonal naive forecast as the measure of every other one. Pure.

The scale of a series is the mean absolute error of its seasonal naive forecast on the rows that the model learned
from, and an error over it is a scaled error (Hyndman and Koehler, Another look at measures of forecast accuracy,
2006): below 1 a forecast is better than repeating the last season was there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """For each row the moment that it is about, the naive forecast, and the scale of its series.

    Intervals draw the moments, each with all of its rows: the series of one day go up and down together.
    """

    moments: NDArray[np.intp]  # [n], from 0
    naive: NDArray[np.float64]  # [n]
    scale: NDArray[np.float64]  # [n]; NaN where the series has none

    def rows(self, which: NDArray[Any]) -> Series:
        """Those rows alone: a mask or places."""
        return Series(_codes(self.moments[which]), self.naive[which], self.scale[which])


def series_of(
    entity: pl.Series, moments: pl.Series, y: NDArray[Any], naive: pl.Series, learned: NDArray[np.bool_]
) -> Series:
    """What belongs to the rows of a forecast.

    Args:
        entity: [n] whose series the row is of.
        moments: [n] what the row is about.
        y: [n] the truth.
        naive: [n] the value one season earlier.
        learned: [n] which rows the model learned from; the scale comes from them alone.
    """
    import polars as pl  # whoever only measures does not wait for it

    before = naive.cast(pl.Float64).fill_null(np.nan).to_numpy()
    errors = pl.DataFrame({"entity": entity, "error": np.abs(y - before)}).fill_nan(None)
    scales = errors.filter(pl.Series(learned)).group_by("entity").agg(pl.col("error").mean().alias("scale"))
    found = errors.join(scales, on="entity", how="left", maintain_order="left")["scale"]
    scale = found.fill_null(np.nan).to_numpy()
    return Series(_codes(moments.to_physical().to_numpy()), before, np.where(scale > 0, scale, np.nan))


def _codes(values: NDArray[Any]) -> NDArray[np.intp]:
    return np.unique(values, return_inverse=True)[1].reshape(-1).astype(np.intp)
