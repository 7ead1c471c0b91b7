"""Answers that are not a prediction: application/problem+json, with every error of the request at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from rondo.errors import DataError, Problem

SHOWN_ERRORS = 100
PROBLEM_TYPE = b"application/problem+json"
_WHERE = re.compile(r"^rows\[(\d+)\]\.?(.*)$", re.DOTALL)

TITLES: Mapping[int, str] = {
    400: "The body is not JSON as it is expected",
    401: "A token is needed",
    403: "This is not allowed",
    404: "There is nothing here",
    405: "This method is not for this address",
    408: "The body did not arrive in time",
    409: "It contradicts what is known",
    413: "The request is too large",
    415: "The content type is not JSON",
    421: "This host is not served here",
    422: "Values of the request cannot be used",
    429: "Too many requests at once",
    431: "The head of the request is too large",
    500: "The server failed",
    501: "This model cannot do that",
    503: "The server cannot answer now",
    504: "The answer would have come too late",
}
SLUGS: Mapping[int, str] = {
    400: "malformed",
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    408: "timeout",
    409: "conflict",
    413: "too-large",
    415: "media-type",
    421: "misdirected",
    422: "invalid-values",
    429: "overloaded",
    431: "head-too-large",
    500: "internal",
    501: "not-implemented",
    503: "unavailable",
    504: "deadline",
}


HINTS: Mapping[int, str] = {
    400: "Send one JSON value in UTF-8, with every name once; GET /docs shows one.",
    404: "GET /openapi.json says what there is.",
    405: "The header allow says which methods there are.",
    408: "Send the whole request at once.",
    409: "Ask what is known before sending it again.",
    413: "Send less at a time.",
    415: "Send the header content-type: application/json.",
    422: "GET /openapi.json describes what is taken; null says that a value is missing.",
    429: "Send it again after the seconds that retry-after says.",
    431: "Send less in the head.",
    500: "Send it again; if it fails again, its request_id is in the server's log.",
    503: "Send it again in a moment; GET /ready says why.",
}
"""What to do about a fault that says nothing itself."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One error of a request: where in the body, a word for programs, a sentence for people, a mend."""

    loc: tuple[str | int, ...]
    code: str
    msg: str
    hint: str = ""


@dataclass(slots=True)
class Refusal(Exception):
    """Ends a request with a problem instead of an answer."""

    status: int
    detail: str
    faults: Sequence[Fault] = ()
    kind: str = ""  # where the status alone does not say it
    headers: Mapping[str, str] = field(default_factory=dict)
    version: str = ""  # whose failure it is, where it is one version's

    def body(self, request_id: str) -> bytes:
        """The problem as JSON."""
        # Whoever reads it finds what, where and what to do, whether or not somebody thought of all three.
        faults = self.faults or (Fault((), SLUGS.get(self.status, "error").replace("-", "_"), self.detail),)
        hint = HINTS.get(self.status, "")
        shown = [fault if fault.hint else replace(fault, hint=hint) for fault in faults[:SHOWN_ERRORS]]
        problem: dict[str, Any] = {
            "type": f"urn:rondo:problem:{self.kind or SLUGS.get(self.status, 'error')}",
            "title": TITLES.get(self.status, "The request failed"),
            "status": self.status,
            "detail": self.detail,
            "request_id": request_id,
            "errors": shown,
        }
        if hidden := len(faults) - len(shown):
            problem["errors_left_out"] = hidden
        return msgspec.json.encode(problem)


def one_fault(
    status: int,
    code: str,
    msg: str,
    *,
    loc: tuple[str | int, ...] = (),
    hint: str = "",
    headers: Mapping[str, str] | None = None,
) -> Refusal:
    """A refusal for a single reason."""
    return Refusal(status, msg, (Fault(loc, code, msg, hint),), headers=headers or {})


def internal(version: str = "") -> Refusal:
    """The answer to a fault of our own: nothing of it is told outside."""
    what = "The server failed to answer; its log has the details under the request id"
    return Refusal(500, what, (Fault((), "internal", what),), version=version)


def values_refused(faults: Sequence[Fault]) -> Refusal:
    """The refusal of a request for these faults, at least one, of its values."""
    what = f"{len(faults)} values cannot be used" if len(faults) > 1 else faults[0].msg
    return Refusal(422, what, faults)


def from_data_error(error: DataError, *, places: Sequence[int] | None) -> Refusal:
    """The refusal that tells the problems of `OnlineFeatures.rows`.

    `places` are the rows' places in the body; None: the body itself is the row.
    """
    return values_refused(tuple(_faults(error.problems, places)))


def _faults(problems: Iterable[Problem], places: Sequence[int] | None) -> Iterable[Fault]:
    for problem in problems:
        loc: tuple[str | int, ...] = (problem.where,) if problem.where else ()
        if found := _WHERE.match(problem.where):
            names = (found[2],) if found[2] else ()
            loc = names if places is None else ("rows", places[int(found[1])], *names)
        yield Fault(loc, _code(problem.what), problem.what, problem.mend or problem.rule)


def _code(what: str) -> str:
    if "not given" in what:
        return "missing"
    return "unknown_name" if "nothing has this name" in what else "invalid_value"
