from __future__ import annotations

from starlette.requests import Request

from rondo.dashboard.guard import COOKIE, MOST_SESSIONS, Guard, Session
from rondo.records.access import OPEN_TO_ALL


def knows(guard: Guard, session: Session) -> bool:
    cookie = (b"cookie", f"{COOKIE}={session.key}".encode())
    return guard.session(Request({"type": "http", "headers": [cookie]})) == session


def test_who_only_looks_at_the_door_ends_nobodys_session() -> None:
    guard = Guard(OPEN_TO_ALL, "127.0.0.1")
    signed_in = guard.open_session("operate")
    for _ in range(2 * MOST_SESSIONS):
        newest = guard.open_session()
    assert knows(guard, signed_in)
    assert knows(guard, newest)


def test_sessions_are_bounded_and_the_oldest_goes() -> None:
    guard = Guard(OPEN_TO_ALL, "127.0.0.1")
    sessions = [guard.open_session("view") for _ in range(MOST_SESSIONS + 1)]
    assert not knows(guard, sessions[0])
    assert knows(guard, sessions[1])
