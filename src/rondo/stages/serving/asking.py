"""What a request asks, from each protocol's body: rows by name. And each protocol's answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rondo.bundle.plan import FeaturePlan
from rondo.stages.serving.problems import Fault, Refusal, one_fault

Row = dict[str, Any]


@dataclass(slots=True)
class Asked:
    """Rows to answer; `single` when the body itself was the row, `id` what the client wants echoed."""

    rows: Sequence[Row]
    single: bool = False
    id: str | None = None


Reader = Callable[[Any, FeaturePlan], Asked]


def _object(body: Any) -> dict[str, Any]:
    if type(body) is not dict:
        raise one_fault(422, "object_expected", "The body is not a JSON object", hint="Send {...}.")
    return body


def _rows(rows: Any, *where: str | int) -> list[Row]:
    if type(rows) is not list:
        raise one_fault(422, "list_expected", "The rows are not a list", loc=where)
    if not rows:
        raise one_fault(422, "no_rows", "There are 0 rows", loc=where, hint="Send at least one row.")
    faults = [
        Fault((*where, place), "object_expected", "A row is an object of names and values")
        for place, row in enumerate(rows)
        if type(row) is not dict
    ]
    if faults:
        raise Refusal(422, f"{len(faults)} rows are not objects", faults)
    return rows


def read_predict(body: Any, plan: FeaturePlan) -> Asked:
    """`{"rows": [{…}, …]}`, or one row as the body itself."""
    body = _object(body)
    if "rows" not in body:
        if not body:
            raise one_fault(422, "no_rows", "The body is empty", hint=_hint(plan))
        return Asked((body,), single=True)
    if strange := sorted(set(body) - {"rows"}):
        raise Refusal(
            422,
            "Beside `rows` nothing else is taken",
            [Fault((name,), "unknown_name", "Nothing has this name here") for name in strange],
        )
    return Asked(_rows(body["rows"], "rows"))


def _hint(plan: FeaturePlan) -> str:
    names = [plan.entity] if plan.entity else [each.name for each in plan.inputs[:3]]
    return f"Send for example {{{', '.join(f'{name!r}: …' for name in names)}}}.".replace("'", '"')


_FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")


def read_invocations(body: Any, plan: FeaturePlan) -> Asked:
    """MLflow's scoring protocol: exactly one of its four forms."""
    body = _object(body)
    forms = [name for name in _FORMS if name in body]
    strange = sorted(set(body) - {*_FORMS, "params"})
    if len(forms) != 1 or strange:
        raise one_fault(
            422,
            "one_form_expected",
            f"The body has exactly one of {', '.join(_FORMS)}; found {', '.join(forms + strange) or 'none'}",
        )
    if body.get("params"):
        raise one_fault(422, "unknown_name", "This model takes no params", loc=("params",))
    form, data = forms[0], body[forms[0]]
    match form:
        case "dataframe_split":
            rows = _from_split(data)
        case "dataframe_records":
            rows = _rows(data, form)
        case _:
            rows = _from_columns(data, form) if type(data) is dict else _from_list(data, form, plan)
    return Asked(rows)


def _from_split(data: Any) -> list[Row]:
    where = "dataframe_split"
    if type(data) is not dict or type(data.get("columns")) is not list or type(data.get("data")) is not list:
        raise one_fault(422, "split_expected", "It has `columns` and `data`, both lists", loc=(where,))
    columns, rows = data["columns"], data["data"]
    if strange := sorted(set(data) - {"columns", "data", "index"}):
        raise one_fault(422, "unknown_name", f"It has no {', '.join(strange)}", loc=(where,))
    if len(set(map(str, columns))) != len(columns) or not all(type(name) is str for name in columns):
        raise one_fault(422, "columns", "The columns are different texts", loc=(where, "columns"))
    return _named(columns, rows, where, "data")


def _named(names: Sequence[str], rows: list[Any], *where: str | int) -> list[Row]:
    if not rows:
        raise one_fault(422, "no_rows", "There are 0 rows", loc=where, hint="Send at least one row.")
    faults = [
        Fault(
            (*where, place), "width", f"A row is a list of {len(names)} values, in the order of the columns"
        )
        for place, row in enumerate(rows)
        if type(row) is not list or len(row) != len(names)
    ]
    if faults:
        raise Refusal(422, f"{len(faults)} rows do not fit the columns", faults)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _from_list(data: Any, form: str, plan: FeaturePlan) -> list[Row]:
    if type(data) is list and data and type(data[0]) is list:
        return _named(plan.features, data, form)
    return _rows(data, form)


def _from_columns(data: dict[str, Any], *where: str | int) -> list[Row]:
    lengths = {name: len(values) if type(values) is list else -1 for name, values in data.items()}
    if not data or -1 in lengths.values():
        raise one_fault(422, "columns", "Every column is a list", loc=where)
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name}: {length}" for name, length in list(lengths.items())[:5])
        raise one_fault(422, "ragged", f"The columns are of different lengths ({told})", loc=where)
    return _named(list(data), [list(row) for row in zip(*data.values(), strict=True)], *where)


_TENSOR_TYPES: Mapping[str, tuple[type, ...]] = {
    "BOOL": (bool,),
    **dict.fromkeys(("UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64"), (int,)),
    **dict.fromkeys(("FP16", "BF16", "FP32", "FP64"), (float, int)),
    "BYTES": (str,),
}


def read_infer(body: Any, plan: FeaturePlan) -> Asked:
    """Open Inference v2: one tensor per column, of the shape [n] or [n, 1]."""
    body = _object(body)
    tensors = body.get("inputs")
    if type(tensors) is not list or not tensors:
        raise one_fault(422, "no_inputs", "`inputs` is a list of at least one tensor", loc=("inputs",))
    faults: list[Fault] = []
    columns: dict[str, list[Any]] = {}
    for place, tensor in enumerate(tensors):
        name = tensor.get("name") if type(tensor) is dict else None
        if type(name) is not str or name in columns:
            faults.append(Fault(("inputs", place, "name"), "name", "Every tensor has a name of its own"))
        elif fault := _tensor_fault(tensor):
            faults.append(Fault(("inputs", place, fault[0]), *fault[1:]))
        else:
            columns[name] = tensor["data"]
    if faults:
        raise Refusal(422, f"{len(faults)} tensors cannot be used", faults)
    wanted = body.get("id")
    return Asked(_from_columns(columns, "inputs"), id=wanted if type(wanted) is str else None)


def _tensor_fault(tensor: dict[str, Any]) -> tuple[str, str, str] | None:
    kind, shape, data = tensor.get("datatype"), tensor.get("shape"), tensor.get("data")
    allowed = _TENSOR_TYPES.get(kind) if type(kind) is str else None
    if allowed is None:
        return "datatype", "datatype", f"The data type is one of {', '.join(_TENSOR_TYPES)}"
    if type(data) is not list:
        return "data", "list_expected", "The data are a flat list"
    if shape not in ([len(data)], [len(data), 1]):
        return "shape", "shape", f"The shape of {len(data)} values is [{len(data)}] or [{len(data)}, 1]"
    if any(value is not None and type(value) not in allowed for value in data):
        return "data", "invalid_value", f"A value is not of the type {kind}"
    return None
