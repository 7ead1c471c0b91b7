"""Who may do what at an address: tokens per role, and the names under which a process is asked. Pure.

The server and the dashboard decide by these same functions. They look at a request's head alone, so that the
decision stands before anything of the request is read.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from rondo.contract.references import references, resolve
from rondo.contract.serving import Access
from rondo.errors import ContractError

Role = Literal["predict", "view", "operate"]
ROLES: tuple[Role, ...] = ("predict", "view", "operate")
"""Each may do what those before it may."""

SHORTEST_TOKEN = 16
LONGEST_CREDENTIALS = 4096
_RULE = "A token comes from the environment by reference, has 16 characters or more, and one role"
_CHALLENGE = 'Bearer realm="rondo"'

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Tokens:
    """SHA-256 of the token of each role; the tokens themselves are nowhere kept. Without any, everybody may."""

    digests: Mapping[Role, bytes] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.digests)

    def role_of(self, token: bytes) -> Role | None:
        """The highest role with that token; takes as long whatever the token is."""
        digest, found = hashlib.sha256(token).digest(), None
        for role in ROLES:
            known = self.digests.get(role)
            if known is not None and hmac.compare_digest(known, digest):
                found = role
        return found


OPEN_TO_ALL = Tokens()


@dataclass(frozen=True, slots=True)
class Denial:
    """Why a request is not let in, as HTTP says it."""

    status: Literal[401, 403, 431]
    code: str
    what: str
    hint: str
    headers: Mapping[str, str] = field(default_factory=dict)


def tokens_of(access: Access, env: Mapping[str, str]) -> Tokens:
    """The tokens that the project file refers to.

    Raises:
        ContractError: a variable is not set, or what it holds cannot be a token; no value is shown.
    """
    digests: dict[Role, bytes] = {}
    for role in ROLES:
        text: str | None = getattr(access, role)
        where = f"serving.access.{role}"
        if text is None:
            continue
        if not any(True for _ in references(text)):
            raise ContractError(
                "a token stands in the project file",
                where=where,
                rule=_RULE,
                mend="Write env:NAME and set that variable",
            )
        token = resolve(text, env, where)
        if len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
            raise ContractError(
                "the variable holds no token",
                where=where,
                rule=_RULE,
                mend="Make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'",
            )
        digest = hashlib.sha256(token.encode()).digest()
        if digest in digests.values():
            raise ContractError(
                "two roles have the same token",
                where=where,
                rule=_RULE,
                mend="Give every role a token of its own",
            )
        digests[role] = digest
    return Tokens(digests)


def denial(tokens: Tokens, needed: Role | None, headers: Headers, query: bytes = b"") -> Denial | None:
    """Why a request with this head may not do what needs that role; None when it may.

    Args:
        tokens: those of the project.
        needed: the role that the address asks for; None lets everybody in.
        headers: names in lower case, as ASGI gives them.
        query: the query string, for a better hint only: a token in it counts for nothing.
    """
    if not tokens or needed is None:
        return None
    given = [value for name, value in headers if name == b"authorization"]
    if sum(map(len, given)) > LONGEST_CREDENTIALS:
        return Denial(431, "credentials_too_long", "The authorization is longer than any token", "")
    role = role_of(tokens, headers)
    if role is not None and ROLES.index(role) >= ROLES.index(needed):
        return None
    if role is not None:
        return Denial(
            403,
            "role_too_low",
            f"The token is for {role}; this address asks for {needed}",
            f"Use the token of serving.access.{needed}.",
            {"www-authenticate": f'{_CHALLENGE}, error="insufficient_scope", scope="{needed}"'},
        )
    hint = "Send the header authorization: Bearer TOKEN."
    if not given and b"token=" in query:
        hint = f"A token in an address ends up in logs. {hint}"
    what = "The token is not known" if given else "A token is needed here"
    challenge = f'{_CHALLENGE}, error="invalid_token"' if given else _CHALLENGE
    return Denial(401, "unknown_token" if given else "no_token", what, hint, {"www-authenticate": challenge})


def role_of(tokens: Tokens, headers: Headers) -> Role | None:
    """The role that the head's one bearer token has; None without one, with two, or with another scheme."""
    given = [value for name, value in headers if name == b"authorization"]
    if len(given) != 1 or len(given[0]) > LONGEST_CREDENTIALS:
        return None
    scheme, _, token = given[0].partition(b" ")
    return tokens.role_of(token.strip()) if scheme.lower() == b"bearer" else None


def is_loopback(host: str) -> bool:
    """Whether who listens there is reached from this machine only."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_address(host: str, access: Access, *, where: str = "serving.host") -> None:
    """Nothing, where that address may be listened on.

    Raises:
        ContractError: others reach it, and no token keeps them out.
    """
    if not is_loopback(host) and access.predict is None:
        raise ContractError(
            f"the server would listen on {host!r}, where others reach it, and serving.access.predict is not set",
            where=where,
            rule="Without tokens this machine alone is answered",
            mend="Write serving: {access: {predict: env:NAME}} and set that variable, or host: 127.0.0.1",
        )


def names_of(host: str, hosts: Sequence[str]) -> re.Pattern[bytes]:
    """What a Host header may say of a process that listens on `host` and has the further names `hosts`.

    A page of a foreign site may resolve its own name to this machine, so that loopback alone is no fence; a
    name has to be known. A bare address cannot be resolved to another: where others may reach this process,
    they may name it by its address.
    """
    own = ["localhost", r"127(\.\d{1,3}){3}", r"\[::1\]"]
    if not is_loopback(host):
        own += [r"\d{1,3}(\.\d{1,3}){3}", r"\[[0-9a-f:.]+\]", re.escape(host)]
    own += [re.escape(name) for name in hosts]
    return re.compile(rf"^({'|'.join(own)})(:\d+)?$".encode(), re.IGNORECASE)
