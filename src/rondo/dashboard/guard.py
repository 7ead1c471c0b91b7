"""Who may look and who may press: names of this process, tokens, and requests that another site forged.

Tokens are decided by `rondo.records.access`, as in the server. A browser cannot send one with every click, so a
person signs in once and gets a session of this process alone; every form carries that session's secret.
"""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.requests import Request

from rondo.records.access import ROLES, Role, Tokens, names_of, role_of

COOKIE = "rondo_session"
MOST_SESSIONS = 1000


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in (None: only that it is a person's browser), and the secret of his forms."""

    key: str
    role: Role | None
    form_secret: str


NOBODY = Session("", None, "")
"""For pages without a form."""


@dataclass(slots=True)
class Guard:
    """Decides for one process. Without tokens everybody on this machine may do everything."""

    tokens: Tokens
    host: str
    hosts: tuple[str, ...] = ()
    _sessions: OrderedDict[str, Session] = field(default_factory=OrderedDict)

    def knows(self, request: Request) -> bool:
        """Whether the request was addressed to this process by a name of its own."""
        said = request.headers.get("host", "").encode("latin-1")
        return names_of(self.host, self.hosts).match(said) is not None

    def session(self, request: Request) -> Session | None:
        """The session that the browser's cookie names."""
        return self._sessions.get(request.cookies.get(COOKIE, ""))

    def open_session(self, role: Role | None = None) -> Session:
        """A new session; when there are too many the oldest one goes, and before it those of nobody signed in.

        Looking at the page that asks for a token must not end anybody's session.
        """
        session = Session(secrets.token_urlsafe(32), role, secrets.token_urlsafe(32))
        self._sessions[session.key] = session
        while len(self._sessions) > MOST_SESSIONS:
            nobody = next((key for key, one in self._sessions.items() if one.role is None), None)
            del self._sessions[nobody or next(iter(self._sessions))]
        return session

    def close_session(self, session: Session | None) -> None:
        """Forgets the session."""
        if session is not None:
            self._sessions.pop(session.key, None)

    def may(self, request: Request, needed: Role) -> bool:
        """Whether who asks has that role: by the header of a program, or by the session of a browser."""
        if not self.tokens:
            return True
        by_header = role_of(self.tokens, request.headers.raw)
        session = self.session(request)
        found = [role for role in (by_header, session.role if session else None) if role is not None]
        return any(ROLES.index(role) >= ROLES.index(needed) for role in found)

    def is_own_form(self, request: Request, form: Mapping[str, str]) -> bool:
        """Whether the form was made by this process for this session, and sent from its own page."""
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return False
        origin = request.headers.get("origin")
        if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
            return False
        session = self.session(request)
        if session is None:
            # A program with the header of its own needs no form: no other site can make a browser send it.
            return bool(self.tokens) and role_of(self.tokens, request.headers.raw) is not None
        return hmac.compare_digest(form.get("secret", ""), session.form_secret)
