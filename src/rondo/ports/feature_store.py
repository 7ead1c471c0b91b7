"""Where feature values live, for training at a moment and for serving now."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from rondo.bundle.plan import FeaturePlan

if TYPE_CHECKING:
    import polars as pl


class OnlineValues(Protocol):
    """Reads the newest values of entities; safe to call from several threads, sees what others write."""

    def read(self, views: Sequence[str], keys: Sequence[Any]) -> list[dict[str, Any] | None]:
        """For each key, in order, the fields of all those views in one mapping; None where no view knows the key.

        A view is one of `FeaturePlan.kept_views`, or a plain name, which stands for its newest definition.
        The mapping also has `_event_timestamp` (UTC datetime), the oldest of the views' times.
        """

    def close(self) -> None:
        """Lets go of the store."""


class FeatureStore(Protocol):
    """Publishes the features of a project for training and for serving."""

    def publish(
        self,
        plan: FeaturePlan,
        history: Path | Mapping[str, Path],
        as_of: datetime,
        *,
        needed: Collection[str] | None = None,
    ) -> None:
        """Makes the views of the plan known and brings the online values to the moment `as_of`.

        Args:
            plan: the features and their views.
            history: Parquet with the entity, the event time and every field of the views; where views have other
                keys (`plan.view_keys`), one such file per key column.
            as_of: values up to and including this moment go online.
            needed: earlier definitions (`FeaturePlan.kept_views`) that models still read: they stay, and others
                than these and the plan's own are forgotten; None forgets nothing.
        """

    def online(self) -> OnlineValues:
        """The values that serving reads."""

    def rehearse(self, plan: FeaturePlan, rows: pl.DataFrame) -> list[dict[str, Any] | None]:
        """What `online().read` would say of each row's entity, had these rows been published.

        The rows have the entity (each one once), `event_timestamp` and every field of the views. They are really
        written and read back, in a place of their own: nothing that serves is touched.
        """

    def describe(self) -> Mapping[str, Any]:
        """What a person would want to know: views, fields, entities online."""
