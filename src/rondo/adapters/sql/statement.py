"""The text of a query: whether it is one SELECT, and where its values go. Pure.

Strings, quoted names and comments are stepped over, so that a `;` or `:name` in them means nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rondo.errors import ContractError, nearest

_TOKEN = re.compile(
    r"""
      (?P<quoted> '(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` )
    | (?P<dollar> \$(?P<tag>[A-Za-z_]\w*)?\$ .*? \$(?(tag)(?P=tag))\$ )
    | (?P<comment> --[^\n]* | /\*.*?\*/ )
    | (?P<cast> :: )
    | (?P<named> (?<![\w:]) :(?P<name>[A-Za-z_]\w*) )
    | (?P<mark> \? )
    | (?P<end> ; )
    | (?P<word> [A-Za-z_]\w* )
    """,
    re.VERBOSE | re.DOTALL,
)
# After SELECT or WITH only these can write; other commands would have to come first.
_WRITES = frozenset({"insert", "update", "delete", "merge", "into"})


@dataclass(frozen=True, slots=True)
class Statement:
    """A query ready for SQLAlchemy's `text()`: every value is `:name`, every other colon is escaped."""

    text: str
    values: Mapping[str, Any]


def bind(query: str, params: Mapping[str, Any] | Sequence[Any], *, where: str) -> Statement:
    """The statement of a query and its parameters: `:name` with a mapping, `?` with a list.

    Raises:
        ContractError: it is not one SELECT, or places and parameters do not fit.
    """
    pieces: list[str] = []
    names: list[str] = []
    words: list[str] = []
    marks, ended, at = 0, False, 0
    for token in _TOKEN.finditer(query):
        between, at = query[at : token.start()], token.end()
        kind = token.lastgroup if token.lastgroup not in {"tag", "name"} else _outer(token)
        if ended and kind != "comment":
            raise _not_one(where, "there is more after the ;")
        pieces.append(_plain(between))
        match kind:
            case "named":
                names.append(token["name"])
                pieces.append(f":{token['name']}")
            case "mark" if not isinstance(params, Mapping):
                pieces.append(f":p{marks}")
                marks += 1
            case "end":
                ended = True
            case "word":
                words.append(token[0].lower())
                pieces.append(token[0])
            case _:
                pieces.append(_plain(token[0]))
    rest = query[at:]
    if ended and rest.strip():
        raise _not_one(where, "there is more after the ;")
    pieces.append(_plain(rest))
    _check_reads(words, where)
    if isinstance(params, Mapping):
        return Statement("".join(pieces), _named(names, params, where))
    if names:
        raise ContractError(
            f"the query names :{names[0]} and the parameters are a list",
            where=where,
            mend="Give a mapping for :name, a list for ?",
        )
    if marks != len(params):
        raise ContractError(
            f"the query has {marks} places ? and there are {len(params)} parameters", where=where
        )
    return Statement("".join(pieces), {f"p{number}": value for number, value in enumerate(params)})


def _outer(token: re.Match[str]) -> str:
    return "named" if token["named"] else "dollar"


def _plain(text: str) -> str:
    return text.replace(":", r"\:")


def _not_one(where: str, what: str) -> ContractError:
    return ContractError(what, where=where, rule="A source is one SELECT", mend="Make each query a source")


def _check_reads(words: Sequence[str], where: str) -> None:
    if not words or words[0] not in {"select", "with", "values"}:
        first = words[0].upper() if words else "nothing"
        raise _not_one(where, f"the query begins with {first}")
    if found := next((word for word in words if word in _WRITES), None):
        raise ContractError(
            f"the query contains {found.upper()}",
            where=where,
            rule="A source only reads",
            mend='A column of that name is written in quotes: "update"',
        )


def _named(names: Sequence[str], params: Mapping[str, Any], where: str) -> dict[str, Any]:
    for name in names:
        if name not in params:
            raise ContractError(f"no parameter is named {name!r}", where=where, mend=nearest(name, params))
    for name in params:
        if name not in names:
            raise ContractError(
                f"the query does not use the parameter {name!r}",
                where=where,
                mend=f"Write :{name} where it goes",
            )
    return {name: params[name] for name in names}
