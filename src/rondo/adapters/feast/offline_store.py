"""Feast's offline store over asof.py: point-in-time joins that keep every row, in its order.

Named by class path in feature_store.yaml. Reads Parquet files, here or in S3. Beside Feast's own file store it is
quicker, loses no row whose features all lie in the future, and lets a value count only from the moment at which it
was known (`created_timestamp`), unless the configuration says otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import polars as pl
import pyarrow
from feast import FeatureView, FileSource, OnDemandFeatureView, RepoConfig
from feast.data_source import DataSource
from feast.errors import SavedDatasetLocationAlreadyExists
from feast.feature_view import DUMMY_ENTITY_ID, DUMMY_ENTITY_VAL
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage
from feast.infra.offline_stores.offline_store import OfflineStore, RetrievalJob, RetrievalMetadata
from feast.infra.registry.base_registry import BaseRegistry
from feast.repo_config import FeastConfigBaseModel
from feast.saved_dataset import SavedDatasetStorage
from feast.utils import _get_requested_feature_views_to_features_dict

from rondo.adapters.feast.asof import joined, latest, moments

AT = "event_timestamp"


class RondoOfflineStoreConfig(FeastConfigBaseModel):  # type: ignore[misc]
    """Whether values count only from the moment at which they were known."""

    type: Literal["rondo.adapters.feast.offline_store.RondoOfflineStore"] = (
        "rondo.adapters.feast.offline_store.RondoOfflineStore"
    )
    known_only: bool = True


class RondoRetrievalJob(RetrievalJob):  # type: ignore[misc]
    """A table that is computed when it is asked for."""

    def __init__(
        self,
        compute: Callable[[], pl.DataFrame],
        *,
        repo_path: Path | None,
        full_feature_names: bool = False,
        on_demand: list[OnDemandFeatureView] | None = None,
        metadata: RetrievalMetadata | None = None,
    ) -> None:
        self._compute = compute
        self._repo_path = repo_path
        self._full_feature_names = full_feature_names
        self._on_demand = on_demand or []
        self._metadata = metadata

    @property
    def full_feature_names(self) -> bool:
        """Whether names carry their view."""
        return self._full_feature_names

    @property
    def on_demand_feature_views(self) -> list[OnDemandFeatureView]:
        """What Feast computes afterwards."""
        return self._on_demand

    @property
    def metadata(self) -> RetrievalMetadata | None:
        """What was asked for."""
        return self._metadata

    def _to_arrow_internal(self, timeout: int | None = None) -> pyarrow.Table:
        return self._compute().to_arrow()

    def _to_df_internal(self, timeout: int | None = None) -> pd.DataFrame:
        return self._compute().to_pandas()

    def persist(
        self, storage: SavedDatasetStorage, allow_overwrite: bool | None = False, timeout: int | None = None
    ) -> None:
        """Writes the table as a saved dataset, whole or not at all."""
        if not isinstance(storage, SavedDatasetFileStorage):
            raise ValueError("a saved dataset of this store is a file")
        path = Path(_path(storage.file_options.uri, self._repo_path))
        if path.exists() and not allow_overwrite:
            raise SavedDatasetLocationAlreadyExists(location=storage.file_options.uri)
        _write(pl.DataFrame(pl.from_arrow(self.to_arrow())), path)


class RondoOfflineStore(OfflineStore):  # type: ignore[misc]
    """Reads history as it was known at a moment."""

    supports_filter_by_created_timestamp = True

    @staticmethod
    def get_historical_features(
        config: RepoConfig,
        feature_views: list[FeatureView],
        feature_refs: list[str],
        entity_df: pd.DataFrame | str | None,
        registry: BaseRegistry,
        project: str,
        full_feature_names: bool = False,
        filter_by_created_timestamp: bool = False,
        **kwargs: Any,
    ) -> RetrievalJob:
        """The entity rows, all of them and in their order, with the features as they were known at each one's moment.

        Without entity rows: every entity of the views as of `end_date` (by default now).
        """
        on_demand = OnDemandFeatureView.get_requested_odfvs(feature_refs, project, registry)
        wanted, _ = _get_requested_feature_views_to_features_dict(feature_refs, feature_views, on_demand)
        asked = _asked(config, list(wanted), entity_df, kwargs.get("end_date"))
        at = _time_column(asked)
        known_only = filter_by_created_timestamp or config.offline_store.known_only

        def compute() -> pl.DataFrame:
            table = asked.with_columns(moments(pl.col(at), asked.schema[at]))
            for view, features in wanted.items():
                table = _with_view(config, table, view, features, at, full_feature_names, known_only)
            return table

        span = asked.select(moments(pl.col(at), asked.schema[at]))[at]
        metadata = RetrievalMetadata(
            features=feature_refs,
            keys=[name for name in asked.columns if name != at],
            min_event_timestamp=span.min(),
            max_event_timestamp=span.max(),
        )
        return RondoRetrievalJob(
            compute,
            repo_path=config.repo_path,
            full_feature_names=full_feature_names,
            on_demand=on_demand,
            metadata=metadata,
        )

    @staticmethod
    def pull_latest_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> RetrievalJob:
        """The newest row of each key between two moments, both included."""

        def compute() -> pl.DataFrame:
            rows = _between(_rows(config, data_source), timestamp_field, start_date, end_date)
            rows = latest(
                rows, join_key_columns, event_time=timestamp_field, created=created_timestamp_column
            )
            return _chosen(
                rows, join_key_columns, feature_name_columns, timestamp_field, created_timestamp_column
            )

        return RondoRetrievalJob(compute, repo_path=config.repo_path)

    @staticmethod
    def pull_all_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> RetrievalJob:
        """Every row between two moments, both included."""

        def compute() -> pl.DataFrame:
            rows = _between(_rows(config, data_source), timestamp_field, start_date, end_date)
            return _chosen(
                rows, join_key_columns, feature_name_columns, timestamp_field, created_timestamp_column
            )

        return RondoRetrievalJob(compute, repo_path=config.repo_path)

    @staticmethod
    def offline_write_batch(
        config: RepoConfig,
        feature_view: FeatureView,
        table: pyarrow.Table,
        progress: Callable[[int], Any] | None,
    ) -> None:
        """Adds rows to the view's file; readers see all of them or none."""
        before = _rows(config, feature_view.batch_source, mapped=False)
        added = pl.DataFrame(pl.from_arrow(table))
        if added.columns != before.columns:
            raise ValueError(f"the rows have the columns {added.columns}, the source has {before.columns}")
        path = _path(feature_view.batch_source.file_options.uri, config.repo_path)
        _write(
            pl.concat(
                [before, added.select(pl.col(name).cast(dtype) for name, dtype in before.schema.items())]
            ),
            Path(path),
        )
        if progress:
            progress(added.height)


def _with_view(
    config: RepoConfig,
    table: pl.DataFrame,
    view: FeatureView,
    features: list[str],
    at: str,
    full_names: bool,
    known_only: bool,
) -> pl.DataFrame:
    source = view.batch_source
    names = view.projection.join_key_map
    columns = [column.name for column in view.entity_columns if column.name != DUMMY_ENTITY_ID]
    keys = {names.get(name, name): name for name in columns}
    if lacking := sorted(keys.keys() - set(table.columns)):
        raise ValueError(f"entity_df lacks {', '.join(lacking)}, which the view {view.name!r} is joined on")
    prefix = f"{view.projection.name_to_use()}__" if full_names else ""
    return joined(
        table,
        _rows(config, source),
        keys=keys,
        at=at,
        event_time=source.timestamp_field,
        created=source.created_timestamp_column or None,
        fields={name: f"{prefix}{name}" for name in features},
        ttl=view.ttl or None,
        known_only=known_only,
    )


def _asked(
    config: RepoConfig, views: list[FeatureView], entity_df: Any, end_date: datetime | None
) -> pl.DataFrame:
    if isinstance(entity_df, pd.DataFrame):
        return pl.from_pandas(entity_df.reset_index(drop=True))
    if entity_df is not None:
        raise ValueError(f"entity_df is a pandas DataFrame here, not {type(entity_df).__name__}")
    keys = {tuple(column.name for column in view.entity_columns) for view in views}
    if len(keys) != 1:
        raise ValueError("views with other entities cannot be read together without an entity_df")
    (names,) = keys
    end = end_date or datetime.now(UTC)
    found = pl.concat([_rows(config, view.batch_source).select(names) for view in views])
    stamp = pl.lit(end if end.tzinfo else end.replace(tzinfo=UTC)).alias(AT)
    return found.unique(maintain_order=True).with_columns(stamp)


def _time_column(asked: pl.DataFrame) -> str:
    if AT in asked.columns:
        return AT
    times = [name for name, dtype in asked.schema.items() if isinstance(dtype, pl.Datetime)]
    if len(times) != 1:
        raise ValueError(f"entity_df needs a column named {AT}")
    return times[0]


def _rows(config: RepoConfig, source: DataSource, *, mapped: bool = True) -> pl.DataFrame:
    if not isinstance(source, FileSource):
        raise ValueError(f"the source {source.name!r} is no file")
    path = _path(source.path, config.repo_path)
    if Path(path).is_dir():
        path = f"{path}/**/*.parquet"
    storage: dict[str, str] = {}
    if endpoint := source.file_options.s3_endpoint_override:
        storage = {"aws_endpoint_url": endpoint, "aws_allow_http": "true"}
    rows = pl.read_parquet(path, storage_options=storage or None)
    names: Mapping[str, str] = source.field_mapping or {}
    return rows.rename(dict(names), strict=False) if mapped and names else rows


def _path(uri: str, repo_path: Path | None) -> str:
    return str(FileSource.get_uri_for_file_path(repo_path=repo_path, uri=uri)).removeprefix("file://")


def _between(
    rows: pl.DataFrame, event_time: str, start: datetime | None, end: datetime | None
) -> pl.DataFrame:
    at = moments(pl.col(event_time), rows.schema[event_time])
    zoned = [
        None if moment is None else moment.replace(tzinfo=moment.tzinfo or UTC) for moment in (start, end)
    ]
    if zoned[0] is not None:
        rows = rows.filter(at >= zoned[0])
    return rows if zoned[1] is None else rows.filter(at <= zoned[1])


def _chosen(
    rows: pl.DataFrame, keys: list[str], features: list[str], event_time: str, created: str | None
) -> pl.DataFrame:
    names = [*keys, *features, event_time, *([created] if created else [])]
    if features:
        rows = rows.select(list(dict.fromkeys(names)))
    times = [event_time, *([created] if created else [])]
    rows = rows.with_columns(moments(pl.col(name), rows.schema[name]) for name in times)
    return rows if keys else rows.with_columns(pl.lit(DUMMY_ENTITY_VAL).alias(DUMMY_ENTITY_ID))


def _write(rows: pl.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.half")
    rows.write_parquet(half)
    os.replace(half, path)
