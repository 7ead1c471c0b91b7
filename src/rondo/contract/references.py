"""Secrets by reference: `${NAME}` in a text, or `env:NAME` as a text; resolved when used, never kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from rondo.errors import ContractError, Problem

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_INSIDE = re.compile(r"\$\{([^}]*)\}")
_WHOLE = re.compile(r"env:(.*)", re.DOTALL)
_VALID = re.compile(_NAME)
_URL_LOGIN = re.compile(r"(\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/@:]*):([^\s@]+)@")
_NAMED_SECRET = re.compile(
    r"(?i)\b(password|passwd|pwd|secret|token|api_?key|access_?key)([\"']?\s*[:=]\s*)([^\s&,}\]]+)"
)


def references(text: str) -> Iterator[str]:
    """The names of the variables that the text refers to, valid or not."""
    if whole := _WHOLE.fullmatch(text.strip()):
        yield whole[1].strip()
        return
    yield from (found[1] for found in _INSIDE.finditer(text))


def unresolved(text: str, env: Mapping[str, str], where: str) -> Iterator[Problem]:
    """What keeps the text from being resolved: impossible names, undefined and empty variables."""
    for name in references(text):
        if not _VALID.fullmatch(name):
            yield Problem(
                where,
                f"{name[:40]!r} cannot name an environment variable",
                mend="Write ${NAME} or env:NAME, with letters, digits and _",
            )
        elif not env.get(name):
            state = "empty" if name in env else "not set"
            yield Problem(
                where,
                f"the environment variable {name} is {state}",
                "The project file refers to it",
                f"Set it: export {name}=…",
            )


def resolve(text: str, env: Mapping[str, str], where: str) -> str:
    """The text with each reference replaced by the variable's value; text without references as it is.

    Raises:
        ContractError: a variable is undefined or empty; the message names it, and never shows a value.
    """
    if problems := tuple(unresolved(text, env, where)):
        raise ContractError(f"{len(problems)} references cannot be resolved", problems=problems)
    if whole := _WHOLE.fullmatch(text.strip()):
        return env[whole[1].strip()]
    return _INSIDE.sub(lambda found: env[found[1]], text)


def mask(text: str) -> str:
    """The text without the passwords that stand in it, for messages."""
    return _NAMED_SECRET.sub(r"\1\2…", _URL_LOGIN.sub(r"\1:…@", text))


def login_in_clear(text: str) -> bool:
    """Whether a URL in the text carries a password that is no reference."""
    return any(not _INSIDE.search(found[2]) and "/" not in found[2] for found in _URL_LOGIN.finditer(text))
