"""What pydantic found wrong, in the words of the project file: key, found, rule, mend."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from rondo.contract._base import Section
from rondo.contract.project import Project
from rondo.contract.references import mask
from rondo.contract.yaml_nodes import Path, Tree, holds, line_of, place
from rondo.contract.yaml_scalars import quoted
from rondo.errors import Problem, nearest

_SHOWN = 60
_BOUND = {
    "greater_than": ("too small", "above {gt}"),
    "greater_than_equal": ("too small", "{ge} or more"),
    "less_than": ("too large", "below {lt}"),
    "less_than_equal": ("too large", "{le} or less"),
}
_KIND = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "model_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)",
    "dict_type": "a mapping (key: value)",
    "tuple_type": "a list",
    "list_type": "a list",
    "none_required": "nothing",
}
_PATTERNS = {
    r"^[a-z0-9][a-z0-9._-]{0,62}$": "Small letters, digits, . _ -, at most 63; the first a letter or digit",
    r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$": "Letters, digits, . _ -, at most 63; the first a letter or digit",
    r"^>= *[0-9]+(\.[0-9]+){0,2}$": 'A lower bound such as ">= 0.1"',
}
_NAMED = {
    "project": "the name of the project",
    "ml_problem": "what is predicted",
    "data": "where the data comes from",
}


def problems_of(error: ValidationError, tree: Tree, name: str) -> Iterator[tuple[Path, Problem]]:
    """Each problem with its key; what several readings of one value complain about is one problem."""
    grouped: dict[Path, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        grouped.setdefault(_key(detail["loc"], tree.value, detail["type"]), []).append(detail)
    for path, details in grouped.items():
        if all(_counts_bad_items(detail) for detail in details):
            continue  # there are enough items; each bad one is reported by itself
        what, rule, mend = _words(path, details, tree)
        inner = path[:-1] if details[0]["type"] == "missing" else path
        yield path, Problem(place(name, line_of(tree.lines, path), inner), mask(what), rule, mask(mend))


def _counts_bad_items(detail: ErrorDetails) -> bool:
    return detail["type"] == "too_short" and len(detail["input"]) >= detail["ctx"]["min_length"]


def _key(loc: tuple[int | str, ...], value: Any, kind: str) -> Path:
    """The key in the file: `loc` without the names of the readings that pydantic tried."""
    path: list[str | int] = []
    for index, step in enumerate(loc):
        if holds(value, step):
            value = value[step]
        elif not (kind == "missing" and index == len(loc) - 1):
            continue
        path.append(step)
    return tuple(path)


def _words(path: Path, details: list[ErrorDetails], tree: Tree) -> tuple[str, str, str]:
    details = _most_telling(details)
    if len(details) > 1:
        return _several(path, details, tree)
    detail = details[0]
    kind, context = detail["type"], detail.get("ctx", {})
    shown = _shown(path, detail["input"], tree)
    if detail["loc"][-1:] == ("[key]",):
        shown = repr(path[-1])
    match kind:
        case "missing":
            return _missing(path)
        case "extra_forbidden":
            return (
                f"the key {str(path[-1])!r} is not known here",
                "",
                nearest(str(path[-1]), _known_keys(path[:-1])),
            )
        case "literal_error":
            return _not_a_choice(shown, detail["input"], context["expected"])
        case "value_error":
            return _said_by_us(str(context["error"]))
        case "string_pattern_mismatch":
            rule = _PATTERNS[context["pattern"]]
            return f"{shown} cannot be used here", rule, _slug(str(detail["input"]), path)
        case "string_too_short":
            return "the text is empty", "", "Fill it in, or remove the line"
        case "string_too_long":
            return "the text is too long", f"At most {context['max_length']} characters", "Shorten it"
        case "too_short":
            least = context["min_length"]
            return (
                f"{context['actual_length']} entries",
                f"At least {least} are needed",
                "Add what is missing",
            )
        case "too_long":
            return f"{context['actual_length']} entries", f"At most {context['max_length']}", "Remove some"
        case _ if kind in _BOUND:
            word, rule = _BOUND[kind]
            return f"{shown} is {word}", f"Allowed: {rule.format(**context)}", "Write a value within"
        case _ if kind in _KIND:
            return _wrong_kind(path, [_KIND[kind]], detail["input"], tree)
        case _:
            return f"{detail['msg']} (found {shown})", "", ""


def _most_telling(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """Without the readings that wanted another kind of value, where one failed on the value itself."""
    telling = [d for d in details if d["type"] not in _KIND and d["type"] != "literal_error"]
    return telling[:1] or details


def _several(path: Path, details: list[ErrorDetails], tree: Tree) -> tuple[str, str, str]:
    expected = [d["ctx"]["expected"] if d["type"] == "literal_error" else _KIND[d["type"]] for d in details]
    return _wrong_kind(path, list(dict.fromkeys(expected)), details[0]["input"], tree)


def _missing(path: Path) -> tuple[str, str, str]:
    key = path[-1]
    if isinstance(key, int):
        return f"there are only {key} entries", f"{key + 1} are needed", "Add what is missing"
    meaning = f" ({_NAMED[key]})" if len(path) == 1 and key in _NAMED else ""
    return f"{key}{meaning} is missing", "", f"Add {key}: …"


def _not_a_choice(shown: str, found: Any, expected: str) -> tuple[str, str, str]:
    choices = re.findall(r"'([^']*)'", expected)
    near = nearest(found, choices) if isinstance(found, str) else ""
    return (
        f"{shown} is not a choice here",
        f"Allowed: {', '.join(choices) or expected}",
        near if near.startswith("Did") else "",
    )


def _said_by_us(message: str) -> tuple[str, str, str]:
    """The message of a validator of the sections: `what; rule; mend`, the later parts where there are any."""
    what, *rest = message.split("; ", 2)
    rule, mend = (*(part[:1].upper() + part[1:] for part in rest), "", "")[:2]
    return what, rule, mend


def _wrong_kind(path: Path, expected: list[str], found: Any, tree: Tree) -> tuple[str, str, str]:
    shown = _shown(path, found, tree)
    wanted = " or ".join(expected)
    what = f"{wanted} is expected, found {shown}"
    if "a text" in expected and not isinstance(found, list | dict | None):
        return what, "", f"Quote it: {quoted(tree.plain.get(path, str(found)))}"
    if isinstance(found, str) and {"a number", "a whole number", "true or false"} & set(expected):
        return what, "", "Write it without quotes" if _is_number(found) else f"Write {wanted}"
    if found is None:
        return what, "", "Fill it in, or remove the line"
    if "a list" in expected and not isinstance(found, list | dict):
        return what, "", f"Write [{found}]"
    return what, "", f"Write {wanted}"


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[-+]?\d+(\.\d+)?|true|false", text))


def _shown(path: Path, found: Any, tree: Tree) -> str:
    match found:
        case None:
            return "nothing"
        case str():
            text = mask(found)
            return f"the text {text if len(text) <= _SHOWN else text[: _SHOWN - 3] + '...'!r}"
        case list():
            return "a list"
        case dict():
            return "a mapping"
        case _:
            return tree.plain.get(path, str(found).lower() if isinstance(found, bool) else str(found))


def _slug(text: str, path: Path) -> str:
    if path != ("project",):
        return ""
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63]
    return f"For example: {slug}" if slug else ""


def _known_keys(path: Path) -> list[str]:
    """The keys that the section at `path` knows."""
    found: list[Any] = [Project]
    for step in path:
        found = [inner for annotation in found for inner in _inside(annotation, step)]
    sections = [a for annotation in found for a in _alternatives(annotation) if _is_section(a)]
    return sorted({field.alias or key for section in sections for key, field in section.model_fields.items()})


def _inside(annotation: Any, step: str | int) -> Iterator[Any]:
    for alternative in _alternatives(annotation):
        if _is_section(alternative):
            for key, field in alternative.model_fields.items():
                if step == (field.alias or key):
                    yield field.annotation
        elif get_origin(alternative) is dict:
            yield get_args(alternative)[1]
        elif get_origin(alternative) is tuple:
            yield get_args(alternative)[0]


def _alternatives(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Annotated:
        yield from _alternatives(get_args(annotation)[0])
    elif get_origin(annotation) in {Union, types.UnionType}:
        for inner in get_args(annotation):
            yield from _alternatives(inner)
    elif get_origin(annotation) is not Literal:
        yield annotation


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Section)
