"""The generated Feast repository as text: what `feast apply` reads. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import polars as pl

from rondo.bundle.plan import FeaturePlan

FieldType = Literal["Int64", "Float64", "Bool", "String"]
POLARS_TYPES: dict[FieldType, pl.DataType] = {
    "Int64": pl.Int64(),
    "Float64": pl.Float64(),
    "Bool": pl.Boolean(),
    "String": pl.String(),
}
SERVICE = "project_model"
REVISION_TAG = "rondo.revision"  # under which of its definitions the online store keeps a view
IGNORED = "# Written by every run.\ndata/\n__pycache__/\n"


def project_name(project: str) -> str:
    """The project's name in the letters that Feast allows."""
    return re.sub(r"\W", "_", project)


def field_type(dtype: pl.DataType) -> FieldType:
    """How the store keeps a column; moments are kept as ISO 8601 text, which loses nothing."""
    if dtype == pl.Boolean:
        return "Bool"
    if dtype.is_integer():
        return "Int64"
    return "Float64" if dtype.is_float() else "String"


def store_text(project: str, online: Mapping[str, str]) -> str:
    """feature_store.yaml: our stores by their class paths."""
    return "\n".join(
        [
            "# Written by Rondo from the project file; changes here are lost.",
            f"project: {project_name(project)}",
            "provider: local",
            "registry: data/registry.db",
            "offline_store:",
            "  type: rondo.adapters.feast.offline_store.RondoOfflineStore",
            "online_store:",
            *(f"  {name}: {value}" for name, value in online.items()),
            "entity_key_serialization_version: 3",
            "",
        ]
    )


def definitions_text(project: str, plan: FeaturePlan, types: Mapping[str, FieldType]) -> str:
    """definitions.py: an entity per key, a view per view of the plan, and a service with the model's features."""
    assert plan.entity is not None
    keys = plan.view_keys or (plan.entity,)
    names = {key: "entity" if place == 0 else f"entity_{place}" for place, key in enumerate(keys)}
    lines = [
        f'"""Feast definitions of the project {project}, written by Rondo from the project file."""',
        "",
        "from datetime import timedelta",
        "",
        "from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType",
        "from feast.types import Bool, Float64, Int64, String",
        "",
    ]
    for key, name in names.items():
        kind = "INT64" if plan.of_key(key).entity_type == "int" else "STRING"
        lines += [
            f"{name} = Entity(",
            f"    name={key!r}, join_keys=[{key!r}], value_type=ValueType.{kind}",
            ")",
        ]
    for place, (view, fields) in enumerate(plan.views.items()):
        entity = names[plan.keys.get(view, plan.entity)]
        lines += _view_lines(place, view, fields, types, plan.ttl_s, entity, plan.revision(view))
    lines += ["", "model = FeatureService(", f"    name={SERVICE!r},", "    features=["]
    lines += [f"        view_{place}[{names!r}]," for place, names in _served(plan).items()]
    return "\n".join([*lines, "    ],", ")", ""])


def _view_lines(
    place: int,
    view: str,
    fields: tuple[str, ...],
    types: Mapping[str, FieldType],
    ttl_s: float | None,
    entity: str,
    revision: str,
) -> list[str]:
    return [
        "",
        f"source_{place} = FileSource(",
        f"    name={view + '_source'!r},",
        f"    path={data_file(view)!r},",
        '    timestamp_field="event_timestamp",',
        '    created_timestamp_column="created_timestamp",',
        ")",
        f"view_{place} = FeatureView(",
        f"    name={view!r},",
        f"    entities=[{entity}],",
        f"    ttl=timedelta(seconds={ttl_s or 0!r}),",
        "    schema=[",
        *(f"        Field(name={name!r}, dtype={types[name]})," for name in fields),
        "    ],",
        "    online=True,",
        f"    tags={{{REVISION_TAG!r}: {revision!r}}},",
        f"    source=source_{place},",
        ")",
    ]


def data_file(view: str) -> str:
    """Where a view's rows lie, relative to the repository."""
    return f"data/{re.sub(r'[^A-Za-z0-9_-]', '_', view)}.parquet"


def _served(plan: FeaturePlan) -> dict[int, list[str]]:
    """For each view, by its place, the model's features that are taken from it; a feature is taken once."""
    served: dict[int, list[str]] = {}
    left = set(plan.features)
    for place, fields in enumerate(plan.views.values()):
        if names := [name for name in fields if name in left]:
            served[place] = names
            left -= set(names)
    return served
