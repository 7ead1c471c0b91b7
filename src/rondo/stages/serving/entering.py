"""What a request's head must be before anything of its body is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from time import perf_counter
from typing import Any

from rondo.contract.serving import Serving
from rondo.records.access import Role, Tokens, denial, names_of
from rondo.stages.serving.problems import Fault, Refusal, one_fault

LONGEST_DEADLINE_MS = 600_000
_JSON_TYPE = re.compile(rb"^application/json\s*(;\s*charset\s*=\s*\"?utf-?8\"?\s*)?$", re.IGNORECASE)
_MILLISECONDS = re.compile(rb"^\d{1,9}$")
_SINGLE = frozenset(
    {b"host", b"content-type", b"content-length", b"content-encoding", b"x-deadline-ms", b"idempotency-key"}
)

Headers = Mapping[bytes, bytes]


class Entry:
    """Decides by the head alone; remembers the few values that come again and again."""

    def __init__(self, serving: Serving, tokens: Tokens) -> None:
        self._max_body, self._tokens = serving.max_body_kb * 1024, tokens
        self._names = names_of(serving.host, serving.hosts)
        self._types: dict[bytes, bool] = {}
        self._hosts: dict[bytes, bool] = {}

    def check(self, scope: Mapping[str, Any], headers: Headers, needed: Role | None) -> None:
        """Nothing, when the request is addressed to this server and its sender may do what needs that role.

        Raises:
            Refusal: 400, 401, 403, 421 or 431.
        """
        if len(headers) != len(scope["headers"]) and (twice := _given_twice(scope["headers"])):
            what = f"The header {twice} is given twice"
            raise one_fault(400, "header_twice", what, loc=("headers", twice), hint="Send it once.")
        if not _remembered(self._hosts, headers.get(b"host", b"localhost"), self._names):
            raise one_fault(
                421,
                "unknown_host",
                "This server is not asked under that name",
                loc=("headers", "host"),
                hint="Ask it by its address, or name the host in serving.hosts.",
            )
        if self._tokens:
            refused = denial(self._tokens, needed, scope["headers"], scope.get("query_string", b""))
            if refused is not None:
                where = ("headers", "authorization")
                raise one_fault(
                    refused.status,
                    refused.code,
                    refused.what,
                    loc=where,
                    hint=refused.hint,
                    headers=refused.headers,
                )

    def check_json(self, headers: Headers) -> None:
        """Nothing, when the headers are those of a JSON body that is not too large.

        Raises:
            Refusal: 413 or 415.
        """
        kind = headers.get(b"content-type", b"")
        if not _remembered(self._types, kind, _JSON_TYPE):
            raise one_fault(
                415,
                "media_type",
                f"The content type is {kind.decode('latin-1')[:60]!r}, not application/json",
                loc=("headers", "content-type"),
                hint="Send the header content-type: application/json.",
            )
        if headers.get(b"content-encoding", b"identity") != b"identity":
            raise one_fault(
                415,
                "content_encoding",
                "Compressed bodies are not taken",
                loc=("headers", "content-encoding"),
                hint="Send the body as it is.",
            )
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length[:20]) > self._max_body:
            raise too_large(self._max_body)


def too_large(most: int) -> Refusal:
    """The refusal of a body beyond the limit; what follows on the connection is not read."""
    what = f"The body is larger than {most} bytes"
    hint = "Send fewer rows at a time, or raise serving.max_body_kb."
    return Refusal(413, what, (Fault((), "too_large", what, hint),), headers={"connection": "close"})


def deadline_of(headers: Headers, started: float) -> float | None:
    """Until when (as `perf_counter` counts) the client waits, from its header `x-deadline-ms`; None: for ever.

    Raises:
        Refusal: 400, it is no number of milliseconds up to LONGEST_DEADLINE_MS.
    """
    given = headers.get(b"x-deadline-ms")
    if given is None:
        return None
    if not _MILLISECONDS.match(given) or int(given) > LONGEST_DEADLINE_MS:
        raise one_fault(
            400,
            "invalid_deadline",
            f"The deadline is {given.decode('latin-1')[:40]!r}",
            loc=("headers", "x-deadline-ms"),
            hint=f"Send the milliseconds that you still wait, from 0 to {LONGEST_DEADLINE_MS}.",
        )
    return started + int(given) / 1e3


def check_deadline(deadline: float | None) -> None:
    """Nothing, while the client still waits. Asked right before work begins; what has begun is finished.

    Raises:
        Refusal: 504, it does not wait any more.
    """
    if deadline is not None and perf_counter() >= deadline:
        raise one_fault(
            504,
            "deadline_exceeded",
            "The deadline had passed before the work began; nothing was computed",
            loc=("headers", "x-deadline-ms"),
            hint="Send it again with more time.",
        )


def _given_twice(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The first header that is given more than once and must not be; empty when there is none."""
    seen: set[bytes] = set()
    for name, _ in headers:
        if name in _SINGLE and name in seen:
            return name.decode()
        seen.add(name)
    return ""


def _remembered(seen: dict[bytes, bool], value: bytes, pattern: re.Pattern[bytes]) -> bool:
    fits = seen.get(value)
    if fits is None:
        fits = pattern.match(value) is not None
        if len(seen) < 64:
            seen[value] = fits
    return fits
