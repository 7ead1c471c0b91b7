"""The JSON Schema of the project file, so that editors complete and check it."""

from __future__ import annotations

import ast
import inspect
from typing import Any

from rondo.contract._base import Section
from rondo.contract.project import PROJECT_FILE, Project


def json_schema() -> dict[str, Any]:
    """The schema (draft 2020-12); each key is described by the text under its field."""
    schema = Project.model_json_schema(by_alias=True)
    texts = {section.__name__: _field_texts(section) for section in _sections(Section)}
    for name, definition in {"Project": schema, **schema.get("$defs", {})}.items():
        for key, described in texts.get(name, {}).items():
            described_key = definition.get("properties", {}).get(key)
            if described_key is not None:
                described_key["description"] = described
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": PROJECT_FILE,
        **{key: value for key, value in schema.items() if key != "title"},
    }


def _sections(base: type[Section]) -> list[type[Section]]:
    return [found for cls in base.__subclasses__() for found in (cls, *_sections(cls))]


def _field_texts(section: type[Section]) -> dict[str, str]:
    """The text under each field of the section, by the key that the project file uses."""
    body = ast.parse(inspect.getsource(section)).body[0]
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        match text:
            case ast.Expr(value=ast.Constant(value=str(described))):
                key = section.model_fields[field.target.id].alias or field.target.id
                found[key] = inspect.cleandoc(described)
    return found
