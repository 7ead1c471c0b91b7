"""Where the records and the next page lie in an answer. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from rondo.contract.data import Source
from rondo.errors import ContractError, DataError

MISSING = object()


def at(document: Any, path: str, *, where: str) -> Any:
    """What lies at a path like `$.data.items`, or MISSING.

    Raises:
        ContractError: the path is written otherwise.
    """
    if path != "$" and not path.startswith("$."):
        raise ContractError(f"{path!r} is not a path", where=where, mend="Write it like $.items")
    for key in path.split(".")[1:]:
        if not isinstance(document, Mapping) or key not in document:
            return MISSING
        document = document[key]
    return document


def records(document: Any, path: str, *, where: str) -> Sequence[Mapping[str, Any]]:
    """The records of a page.

    Raises:
        DataError: there is no list of objects at the path.
    """
    found = at(document, path, where=where)
    if found is MISSING:
        keys = ", ".join(map(repr, document)) if isinstance(document, Mapping) else f"a {_kind(document)}"
        raise DataError(
            f"the answer has nothing at {path}; it has {keys[:200] or 'no keys'}",
            where=where,
            mend="Check `records`",
        )
    if not isinstance(found, list):
        raise DataError(f"a {_kind(found)} lies at {path}", where=where, rule="Records are a list of objects")
    for number, record in enumerate(found):
        if not isinstance(record, Mapping):
            raise DataError(
                f"record {number} at {path} is a {_kind(record)}",
                where=where,
                rule="Records are a list of objects",
            )
    return found


def first(source: Source, url: str, *, where: str) -> str:
    """The address of the first page: the URL with the parameters of the source.

    Raises:
        ContractError: the parameters are a list.
    """
    if not isinstance(source.params, Mapping):
        raise ContractError(
            "parameters of http are a mapping", where=where, mend="Write params: {name: value}"
        )
    values = {str(key): _text(value) for key, value in source.params.items()}
    if source.paginate == "page":
        return with_query(url, {"page": "1", **_query(url), **values})
    return with_query(url, {**_query(url), **values})


def following(
    source: Source, url: str, document: Any, link: str | None, rows: int, read: int, *, where: str
) -> str | None:
    """The address of the next page, None after the last one.

    Args:
        url: of the page that was read.
        link: its Link header's `next`.
        rows: records of this page.
        read: records of all pages so far.

    Raises:
        DataError: the answer sends to another server.
    """
    match source.paginate:
        case "cursor":
            cursor = at(document, source.next, where=where)
            if cursor is MISSING or cursor is None or cursor is False or cursor == "":
                return None
            if isinstance(cursor, str) and ("://" in cursor or cursor.startswith("/")):
                return _same_server(url, cursor, where)
            return with_query(url, {**_query(url), "cursor": _text(cursor)})
        case "link":
            return _same_server(url, link, where) if link else None
        case "page" if rows:
            return with_query(url, {**_query(url), "page": str(int(_query(url)["page"]) + 1)})
        case "offset" if rows:
            return with_query(url, {**_query(url), "offset": str(read)})
        case _:
            return None


def with_query(url: str, values: Mapping[str, str]) -> str:
    """The URL with exactly these query values."""
    return urlunsplit(urlsplit(url)._replace(query=urlencode(values)))


def _query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def _same_server(url: str, target: str, where: str) -> str:
    new = urljoin(url, target)
    if urlsplit(new)[:2] != urlsplit(url)[:2]:
        # The token would go there too.
        raise DataError(
            f"the next page lies on another server, {urlsplit(new).netloc.rpartition('@')[2]}",
            where=where,
            rule="The token goes to the source's own server only",
        )
    return new


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _kind(value: Any) -> str:
    return {dict: "single object", list: "list", str: "text", bool: "boolean", type(None): "null"}.get(
        type(value), "number"
    )
