"""The feature store of a project: a Feast repository beside the online values.

Importing Feast takes seconds, so it is imported only when its registry has to learn something new; the rows are
written through the same code that Feast's plug-in writes through.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from rondo.adapters.feast.places import EmbeddedPlace, OnlinePlace, OnlineRows
from rondo.adapters.feast.repository import (
    IGNORED,
    POLARS_TYPES,
    FieldType,
    data_file,
    definitions_text,
    field_type,
    project_name,
    store_text,
)
from rondo.adapters.feast.rows import KeptView, OnlineRow
from rondo.bundle.plan import FeaturePlan
from rondo.errors import DataError, MissingExtra, NotAvailable
from rondo.records.files import write_bytes

_MOMENT = pl.Datetime("us", "UTC")
_APPLIED = "data/applied"
_OWN = ("event_timestamp", "created_timestamp")


class FeastFeatureStore:
    """Publishes features as a Feast repository and keeps the online values in one file, or in Redis."""

    def __init__(self, repo: Path, online: Path | OnlinePlace, project: str) -> None:
        self._repo = repo
        self._place: OnlinePlace = EmbeddedPlace(online) if isinstance(online, Path) else online
        self._project = project

    def publish(
        self,
        plan: FeaturePlan,
        history: Path | Mapping[str, Path],
        as_of: datetime,
        *,
        needed: Collection[str] | None = None,
    ) -> None:
        """Writes the repository, applies it when its definitions changed, and brings the online values to `as_of`.

        Raises:
            DataError: the history lacks a field of the views.
            MissingExtra: Feast is not installed.
            NotAvailable: Feast refused the definitions.
        """
        if plan.entity is None or not plan.views:
            return
        types: dict[str, FieldType] = {}
        newest: dict[str, tuple[str, pl.DataFrame]] = {}
        for key in plan.view_keys:
            of_key = plan.of_key(key)
            rows = _typed(of_key, pl.read_parquet(history[key] if isinstance(history, Mapping) else history))
            found = {name: field_type(dtype) for name, dtype in rows.schema.items()}
            types |= found
            rows = rows.with_columns(
                [pl.col(name).cast(POLARS_TYPES[found[name]]) for name in rows.columns if name not in _OWN]
            )
            last = (
                rows.filter(pl.col("event_timestamp") <= as_of)
                .sort("event_timestamp", "created_timestamp", maintain_order=True)
                .unique(key, keep="last", maintain_order=True)
            )
            for view, fields in of_key.views.items():
                _write_parquet(rows.select(key, *_OWN, *fields), self._repo / data_file(view))
                newest[view] = key, last
        self._apply(plan, types)
        values = self.online()
        try:
            written = [_kept(plan, view, *newest[view]) for view in plan.views]
            # A model of before finds fresh values too, as long as what it reads is still made in the same way.
            others = [
                _kept(plan, view, *newest[view], name=name, fields=tuple(recipes))
                for name, recipes in values.kept().items()
                if (view := name.partition("@")[0]) in newest
                and name not in plan.kept_views
                and (needed is None or name in needed)
                and recipes.items() <= plan.recipes(view).items()
            ]
            values.publish(written, others, ttl_s=plan.ttl_s, until=as_of, needed=needed)
        finally:
            values.close()

    def online(self) -> OnlineRows:
        """The values that serving reads."""
        return self._place.open()

    def rehearse(self, plan: FeaturePlan, rows: pl.DataFrame) -> list[dict[str, Any] | None]:
        """What a reader would be told about the entity of each row; nothing that serves is touched."""
        if plan.entity is None:
            return [None] * rows.height
        typed = _typed(plan, rows.with_columns(pl.col("event_timestamp").alias("created_timestamp")))
        with self._place.rehearsal() as values:
            values.publish(
                [_kept(plan, view, plan.entity, typed) for view in plan.views],
                until=datetime.max.replace(tzinfo=UTC),
            )
            return values.read(plan.kept_views, typed[plan.entity].to_list())

    def describe(self) -> Mapping[str, Any]:
        """The repository, and for each view its rows offline and its entities online."""
        online = self.online()
        try:
            views = {
                file.stem: {
                    "fields": [name for name in pl.read_parquet_schema(file) if name not in _OWN][1:],
                    "rows": pl.scan_parquet(file).select(pl.len()).collect().item(),
                    "entities_online": online.entities(file.stem),
                }
                for file in sorted((self._repo / "data").glob("*.parquet"))
            }
        finally:
            online.close()
        return {"repository": str(self._repo), "project": project_name(self._project), "views": views}

    def _apply(self, plan: FeaturePlan, types: Mapping[str, FieldType]) -> None:
        """Tells Feast's registry about the definitions, unless it knows exactly these already."""
        texts = {
            "feature_store.yaml": store_text(self._project, self._place.settings(self._repo)),
            "definitions.py": definitions_text(self._project, plan, types),
            ".gitignore": IGNORED,
        }
        for name, text in texts.items():
            _write_if_other(self._repo / name, text.encode())
        digest = hashlib.sha256("\0".join(texts.values()).encode()).hexdigest().encode()
        applied = self._repo / _APPLIED
        if (
            applied.is_file()
            and applied.read_bytes() == digest
            and (self._repo / "data/registry.db").is_file()
        ):
            return
        applied.unlink(missing_ok=True)
        with self._place.reachable_by_feast():
            feast_apply(self._repo)
        write_bytes(applied, digest)


def feast_apply(repo: Path) -> None:
    """Does what `feast apply` does, in this process; what definitions.py no longer defines is removed.

    Raises:
        MissingExtra: Feast is not installed.
        NotAvailable: Feast refused.
    """
    os.environ.setdefault("FEAST_USAGE", "False")
    try:
        from feast import FeatureStore
    except ImportError as error:
        raise MissingExtra("feast", extra="train", needed_for="the feature repository") from error
    try:
        store = FeatureStore(repo_path=str(repo))
        wanted = _defined(repo / "definitions.py")
        names = {(type(each).__name__, each.name) for each in wanted}
        known = [*store.list_feature_services(), *store.list_feature_views(), *store.list_data_sources()]
        gone = [each for each in known if (type(each).__name__, each.name) not in names]
        store.apply(wanted, objects_to_delete=gone, partial=False)
    except Exception as error:
        raise NotAvailable(
            f"Feast refused the definitions: {type(error).__name__}: {str(error)[:300]}", where=str(repo)
        ) from error


def _defined(path: Path) -> list[Any]:
    """The Feast objects of the generated file: sources before views before services."""
    from feast import Entity, FeatureService, FeatureView, FileSource

    spec = importlib.util.spec_from_file_location("rondo_feast_definitions", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    order = (Entity, FileSource, FeatureView, FeatureService)
    return [each for kind in order for each in vars(module).values() if isinstance(each, kind)]


def _typed(plan: FeaturePlan, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with the entity as the store writes it, moments as ISO text, and missing numbers as null."""
    assert plan.entity is not None
    fields = {name for names in plan.views.values() for name in names}
    if lacking := sorted({*fields, plan.entity, "event_timestamp"} - set(rows.columns)):
        raise DataError(f"the history lacks {', '.join(lacking)}", where="features.store")
    columns = [pl.col(plan.entity).cast(pl.Int64 if plan.entity_type == "int" else pl.String)]
    columns += [pl.col(name).cast(_MOMENT) for name in _OWN if name in rows.columns]
    for name in sorted(fields):
        dtype = rows.schema[name]
        if dtype.is_temporal():
            columns.append(pl.col(name).cast(_MOMENT).dt.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00"))
        elif dtype.is_float():
            columns.append(pl.col(name).fill_nan(None))
    return rows.with_columns(columns)


def _online_rows(entity: str, rows: pl.DataFrame, fields: tuple[str, ...]) -> Iterator[OnlineRow]:
    for row in rows.select(entity, "event_timestamp", *fields).iter_rows(named=True):
        yield OnlineRow(row[entity], {name: row[name] for name in fields}, row["event_timestamp"])


def _kept(
    plan: FeaturePlan,
    view: str,
    key: str,
    rows: pl.DataFrame,
    *,
    name: str = "",
    fields: tuple[str, ...] | None = None,
) -> KeptView:
    """What is written of a view: by default as the plan defines it."""
    recipes = plan.recipes(view)
    if fields is not None:
        recipes = {field: recipes[field] for field in fields}
    names = tuple(field for field in recipes if field)
    return KeptView(name or f"{view}@{plan.revision(view)}", recipes, _online_rows(key, rows, names))


def _write_parquet(rows: pl.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.half")
    rows.write_parquet(half)
    os.replace(half, path)


def _write_if_other(path: Path, data: bytes) -> None:
    if not path.is_file() or path.read_bytes() != data:
        write_bytes(path, data)
