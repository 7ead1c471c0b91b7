"""What the server says of itself: the OpenAPI description, tensors of the v2 protocol, a page for people."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from typing import Any

from rondo.bundle.plan import FeaturePlan
from rondo.stages.serving.entering import LONGEST_DEADLINE_MS
from rondo.stages.serving.ranking import MOST_ITEMS, K
from rondo.stages.serving.versions import ServedVersion

_JSON_TYPES: Mapping[str, dict[str, Any]] = {
    "float": {"type": ["number", "null"]},
    "int": {"type": ["integer", "null"]},
    "bool": {"type": ["boolean", "null"]},
    "string": {"type": ["string", "null"]},
    "datetime": {"type": ["string", "null"], "format": "date-time"},
}
_TENSOR_TYPES = {"float": "FP64", "int": "INT64", "bool": "BOOL", "string": "BYTES", "datetime": "BYTES"}
_SAMPLES: Mapping[str, Any] = {
    "float": 1.5,
    "int": 3,
    "bool": True,
    "string": "text",
    "datetime": "2026-01-01T00:00:00Z",
}


_HEADERS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("x-request-id", {"type": "string", "maxLength": 64}, "comes back with the answer and stands in the log"),
    (
        "x-deadline-ms",
        {"type": "integer", "minimum": 0, "maximum": LONGEST_DEADLINE_MS},
        "after that nobody waits for the answer: 504, and work that was not begun is not begun",
    ),
    (
        "idempotency-key",
        {"type": "string"},
        "the same key with the same body gets the same answer again; with another body 422",
    ),
)


def row_schema(served: ServedVersion | None) -> dict[str, Any]:
    """JSON Schema of one row."""
    if served is None:
        return {"type": "object"}
    plan, manifest = served.bundle.plan, served.bundle.manifest
    properties: dict[str, Any] = {}
    if plan.entity:
        kinds = {"int": ["integer"], "string": ["string"], None: ["integer", "string"]}
        properties[plan.entity] = {
            "type": kinds[plan.entity_type],
            "description": "whom the prediction is about",
        }
    properties["event_time"] = {"type": "string", "format": "date-time", "description": "by default now"}
    if plan.lists is not None:
        said = f"how many items, by default {plan.lists.shown}"
        properties[K] = {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS, "description": said}
        return _row(properties, [str(plan.entity)])
    for each in plan.inputs:
        known = manifest.categories.get(each.name)
        properties[each.name] = dict(_JSON_TYPES[each.type]) | (
            {"examples": list(known[:5])} if known else {}
        )
    for feature in plan.history:
        properties[feature.name] = dict(_JSON_TYPES["float"]) | {"description": "by default from the store"}
    required = [] if served.views else [each.name for each in plan.inputs]
    return _row(properties, required)


def _row(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def sample_row(served: ServedVersion) -> dict[str, Any]:
    """A row that may be sent."""
    plan, manifest = served.bundle.plan, served.bundle.manifest
    if served.views and plan.entity:
        return {plan.entity: 123 if plan.entity_type != "string" else "123"}
    return {
        each.name: next(iter(manifest.categories.get(each.name, ())), _SAMPLES[each.type])
        for each in plan.inputs
    }


def tensors(served: ServedVersion) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Inputs and outputs as the v2 protocol describes them."""
    plan = served.bundle.plan
    inputs = _entity_tensor(plan) + [
        {"name": each.name, "datatype": _TENSOR_TYPES[each.type], "shape": [-1]} for each in plan.inputs
    ]
    inputs += [{"name": each.name, "datatype": "FP64", "shape": [-1]} for each in plan.history]
    outputs = [
        {"name": "prediction_id", "datatype": "BYTES", "shape": [-1]},
        {"name": "score", "datatype": "FP64", "shape": [-1]},
    ]
    if served.bundle.manifest.classes:
        outputs.append({"name": "label", "datatype": "BYTES", "shape": [-1]})
    return inputs, outputs


def _entity_tensor(plan: FeaturePlan) -> list[dict[str, Any]]:
    if not plan.entity:
        return []
    kind = "INT64" if plan.entity_type == "int" else "BYTES"
    return [{"name": plan.entity, "datatype": kind, "shape": [-1]}]


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _answers(ok: Mapping[str, Any], *codes: int, status: int = 200) -> dict[str, Any]:
    problem = {"description": "Problem", "content": {"application/problem+json": {"schema": _ref("Problem")}}}
    answers: dict[str, Any] = {
        str(status): {"description": "Answer", "content": {"application/json": {"schema": ok}}}
    }
    return answers | {str(code): problem for code in codes}


def _post(
    summary: str, schema: Mapping[str, Any], ok: Mapping[str, Any], *codes: int, **more: int
) -> dict[str, Any]:
    return {
        "post": {
            "summary": summary,
            "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
            "parameters": [_header(name, schema, said) for name, schema, said in _HEADERS],
            "responses": _answers(ok, 400, 401, 403, 408, 413, 415, 421, 422, 504, *codes, **more),
        }
    }


def _header(name: str, schema: Mapping[str, Any], said: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "schema": schema, "description": said}


def _get(summary: str, *codes: int) -> dict[str, Any]:
    return {"get": {"summary": summary, "responses": _answers({}, 401, 403, 421, *codes)}}


def openapi(model: str, version: str, served: ServedVersion | None) -> dict[str, Any]:
    """The OpenAPI 3.1 description, with the rows of the version that leads."""
    rows = {
        "type": "object",
        "required": ["rows"],
        "properties": {"rows": {"type": "array", "items": _ref("Row")}},
    }
    infer = _post("Predict (Open Inference v2)", {"type": "object"}, {"type": "object"}, 404, 429, 503)
    paths: dict[str, Any] = {
        "/predict": _post(
            "Predict one row, or many", {"oneOf": [_ref("Row"), rows]}, _ref("Answer"), 429, 503
        ),
        "/explain": _post(
            "Why rows are answered as they are: contributions that add up to the score (at most 100 rows)",
            {"oneOf": [_ref("Row"), rows]},
            _ref("Explanations"),
            429,
            501,
            503,
        ),
        "/invocations": _post("Predict (MLflow scoring)", {"type": "object"}, {"type": "object"}, 429, 503),
        f"/v2/models/{model}/infer": infer,
        f"/v2/models/{model}/versions/{{version}}/infer": infer,
        "/feedback": _post(
            "Say what really happened", _ref("Feedback"), {"type": "object"}, 409, 429, 503, status=202
        ),
        "/health": _get("Whether the process lives"),
        "/ready": _get("Whether it answers predictions", 503),
        "/ping": _get("The same, as MLflow's server says it", 503),
        "/version": _get("Versions that are warm, and their shares"),
        "/metrics": _get("Prometheus figures"),
        "/v2": _get("Metadata of the server"),
        "/v2/health/live": _get("Whether the process lives"),
        "/v2/health/ready": _get("Whether it answers predictions", 503),
        f"/v2/models/{model}": _get("Metadata of the model"),
        f"/v2/models/{model}/ready": _get("Whether the model answers", 503),
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Predictions of {model}", "version": version},
        "paths": paths,
        "components": {
            "schemas": _schemas(served),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        # Without tokens in the project nobody needs one: an empty requirement is met by everybody.
        "security": [{}, {"token": []}],
    }


def _schemas(served: ServedVersion | None) -> dict[str, Any]:
    text, number = {"type": "string"}, {"type": "number"}
    lists = served is not None and served.candidates is not None
    prediction = {
        "type": "object",
        "required": ["prediction_id", "items" if lists else "score"],
        "properties": {
            "prediction_id": text,
            "score": number,
            "items": {
                "type": "array",
                "items": {"type": "object", "properties": {"item": {}, "score": number}},
                "description": "of a ranking, best first",
            },
            "fallback": {"const": "popular", "description": "of a ranking: nothing is known of the entity"},
            "label": text,
            "probabilities": {"type": "object", "additionalProperties": number},
            "version": text | {"description": "who answered this row, where several answered"},
            "unseen": {"type": "integer", "description": "categories that training did not know"},
            "entity_known": {
                "type": "boolean",
                "description": "false when the store has nothing for the entity",
            },
        },
    }
    outcome = {
        "type": "object",
        "required": ["prediction_id"] if lists else ["prediction_id", "outcome"],
        "properties": {
            "prediction_id": text,
            "outcome": {"type": ["string", "number", "boolean", "null"]},
            "item": {
                "type": ["string", "integer", "null"],
                "description": "of a ranking; null: none was wanted",
            },
            "happened_at": {"type": "string", "format": "date-time"},
            "corrects": {"type": "boolean"},
        },
        "additionalProperties": False,
    }
    items = {
        "type": "object",
        "required": ["items"],
        "properties": {"items": {"type": "array", "items": outcome}},
    }
    fault = {
        "type": "object",
        "properties": {"loc": {"type": "array"}, "code": text, "msg": text, "hint": text},
    }
    return {
        "Row": row_schema(served),
        "Answer": {
            "type": "object",
            "required": ["predictions"],
            "properties": {
                "version": text | {"description": "who answered, where it is one version"},
                "versions": {
                    "type": "array",
                    "items": text,
                    "description": "who answered, where several did",
                },
                "predictions": {"type": "array", "items": prediction},
            },
        },
        "Explanations": _explanations(text, number),
        "Feedback": {"oneOf": [outcome, items]},
        "Problem": {
            "type": "object",
            "required": ["type", "title", "status", "detail", "request_id", "errors"],
            "properties": {
                **dict.fromkeys(("type", "title", "detail", "request_id"), text),
                "status": {"type": "integer"},
                "errors": {"type": "array", "items": fault},
            },
        },
    }


def _explanations(text: Mapping[str, Any], number: Mapping[str, Any]) -> dict[str, Any]:
    """What /explain answers: score = link(base + sum of contributions), on the scale that is named."""
    by_feature = {"type": "object", "additionalProperties": number}
    by_class = {"type": "object", "additionalProperties": by_feature}
    explanation = {
        "type": "object",
        "required": ["score", "scale", "base", "contributions"],
        "properties": {
            "score": number,
            "label": text,
            "scale": dict(text) | {"description": "on which base and contributions add up to the score"},
            "base": {"oneOf": [number, by_feature], "description": "by class where there are more than two"},
            "contributions": {
                "oneOf": [by_feature, by_class],
                "description": "by feature; by class and feature where there are more than two classes",
            },
        },
    }
    listed = {
        "type": "object",
        "required": ["items"],
        "properties": {"items": {"type": "array", "items": explanation}},
        "description": "of a ranking: every item of the list with its own contributions",
    }
    return {
        "type": "object",
        "required": ["explanations"],
        "properties": {
            "version": text,
            "versions": {"type": "array", "items": text},
            "explanations": {"type": "array", "items": {"oneOf": [explanation, listed]}},
        },
    }


_STYLE = """
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}body{max-width:56rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #8884}
code,pre{font:14px/1.5 ui-monospace,monospace}code{overflow-wrap:anywhere}
pre{padding:.8rem;background:#8882;border-radius:.4rem;overflow:auto}
b.m{display:inline-block;min-width:3.2rem}
"""


def docs_page(described: Mapping[str, Any], served: ServedVersion | None) -> str:
    """The description as a page that needs nothing from elsewhere."""
    rows = []
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            rows.append(
                f"<tr><td><b class=m>{method.upper()}</b> <code>{html.escape(path)}</code></td>"
                f"<td>{html.escape(operation['summary'])}</td></tr>"
            )
    title = html.escape(described["info"]["title"])
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style><h1>{title}</h1>{_example(served)}<h2>Addresses</h2>"
        f"<table><tr><th>Address<th>What it does</tr>{''.join(rows)}</table>"
        '<p>For programs: <a href="/openapi.json">openapi.json</a>.</p></html>'
    )


def _example(served: ServedVersion | None) -> str:
    if served is None:
        return "<p>No version serves yet.</p>"
    body = json.dumps(sample_row(served))
    call = "\n".join(
        f"curl -s http://127.0.0.1:PORT/{door} -H 'content-type: application/json' -d '{body}'"
        for door in ("predict", *(["explain"] if served.bundle.explainer else []))
    )
    schema = row_schema(served)
    names = "".join(
        f"<tr><td><code>{html.escape(name)}</code></td><td>{html.escape(_kinds(rule))}</td>"
        f"<td>{html.escape(_told(rule, required=name in schema['required']))}</td></tr>"
        for name, rule in schema["properties"].items()
    )
    return (
        f"<p>Version <code>{html.escape(served.version)}</code> leads.</p><pre>{html.escape(call)}</pre>"
        f"<h2>A row</h2><table><tr><th>Field<th>Type<th>What it is</tr>{names}</table>"
    )


def _kinds(rule: Mapping[str, Any]) -> str:
    """The types of a field in words: integer, text or null."""
    kinds = rule.get("type", ())
    return " or ".join([kinds] if isinstance(kinds, str) else kinds)


def _told(rule: Mapping[str, Any], *, required: bool) -> str:
    """What there is to know of a field beside its type."""
    examples = ", ".join(str(one) for one in rule.get("examples", ()))
    told = [
        rule.get("description", ""),
        f"such as {examples}" if examples else "",
        "required" if required else "",
    ]
    return "; ".join(part for part in told if part)
