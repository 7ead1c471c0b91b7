"""Every address x method x role: who is let in, and who is told what is missing."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from rondo.adapters.segments import SegmentWriter
from rondo.adapters.sqlstate import SqlStateStore
from rondo.contract.serving import Serving
from rondo.errors import ContractError
from rondo.records.access import ROLES, Role
from rondo.records.layout import Layout
from rondo.server import serve
from rondo.stages.serving import Application
from rondo.testing.live_server import LiveServer, add_release, route
from rondo.testing.serving import House, ask

ENV = {f"{role.upper()}_TOKEN": f"{role}-{'x' * 24}" for role in ROLES}
ACCESS = {role: f"env:{role.upper()}_TOKEN" for role in ROLES}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")

# Written down here once more, so that an address that is added, or opened, is a decision.
NEEDED: dict[str, Role | None] = {
    "/predict": "predict",
    "/invocations": "predict",
    "/explain": "predict",
    "/v2/models/{model}/infer": "predict",
    "/v2/models/{model}/versions/{version}/infer": "predict",
    "/feedback": "predict",
    "/ping": None,
    "/health": None,
    "/ready": None,
    "/version": "predict",
    "/metrics": "view",
    "/openapi.json": "predict",
    "/docs": "predict",
    "/v2": "predict",
    "/v2/health/live": None,
    "/v2/health/ready": None,
    "/v2/models/{model}": "predict",
    "/v2/models/{model}/ready": "predict",
    "/v2/models/{model}/versions/{version}": "predict",
    "/v2/models/{model}/versions/{version}/ready": "predict",
}


def bearer(role: str) -> dict[str, str]:
    return {"authorization": f"Bearer {ENV[f'{role.upper()}_TOKEN']}"}


WAYS: dict[str, tuple[dict[str, str], Role | None]] = {
    "nothing": ({}, None),
    "wrong": ({"authorization": "Bearer nobody-knows-this-one"}, None),
    "scheme": ({"authorization": f"Basic {ENV['OPERATE_TOKEN']}"}, None),
    **{role: (bearer(role), role) for role in ROLES},
}


def may(role: Role | None, needed: Role | None) -> bool:
    return needed is None or (role is not None and ROLES.index(role) >= ROLES.index(needed))


def test_every_address_with_every_method_and_every_role(house: House) -> None:
    async def talk(app: Application) -> tuple[dict[str, Any], list[tuple[str, str, str, int]]]:
        found = []
        for path in (*app.addresses, "/nothing/here"):
            real = path.replace("{model}", "tiny").replace("{version}", "1.0.0")
            for method in METHODS:
                for way, (headers, _) in WAYS.items():
                    reply = await ask(app, method, real, {} if method == "POST" else None, headers)
                    if reply.status == 401:
                        assert reply.headers["www-authenticate"].startswith("Bearer")
                    found.append((path, method, way, reply.status))
        return dict(app.addresses), found

    addresses, found = house.run(talk, access=ACCESS, env=ENV)
    assert set(addresses) <= set(NEEDED)
    for path, method, way, status in found:
        role, needed = WAYS[way][1], NEEDED.get(path, "predict")
        if not may(role, needed):
            wanted = {401} if role is None else {403}
        elif path not in addresses:
            wanted = {404}
        elif method not in addresses[path]:
            wanted = {405}
        else:
            wanted = {200, 422}  # an empty body is let in, and refused for what it is
        assert status in wanted, (path, method, way, status)
    assert len(found) == (len(addresses) + 1) * len(METHODS) * len(WAYS)


def test_who_may_not_come_in_changes_nothing(house: House) -> None:
    async def talk(app: Application) -> list[int]:
        body = {"prediction_id": "p", "outcome": "yes"}
        refused = [
            await ask(app, "POST", "/feedback", body),
            await ask(app, "POST", "/predict", {"user_id": 1}),
            await ask(app, "POST", "/predict", b"x" * 10_000_000),
        ]
        accepted = await ask(app, "POST", "/feedback", body, bearer("predict"))
        return [one.status for one in (*refused, accepted)]

    assert house.run(talk, access=ACCESS, env=ENV) == [401, 401, 401, 202]
    assert house.log.predictions().height == 0
    assert house.log.outcomes().height == 1


def test_whoever_may_not_view_learns_whether_it_is_ready_and_no_more(house: House) -> None:
    async def talk(app: Application) -> list[set[str]]:
        return [set((await ask(app, "GET", "/ready", headers=head)).json) for head, _ in WAYS.values()]

    told = house.run(talk, access=ACCESS, env=ENV)
    assert told[:4] == [{"ready"}] * 4
    assert all("weights" in names for names in told[4:])


def test_without_tokens_this_machine_is_answered(house: House) -> None:
    async def talk(app: Application) -> list[int]:
        return [
            (await ask(app, "GET", "/metrics")).status,
            (await ask(app, "POST", "/predict", {"user_id": 1})).status,
        ]

    assert house.run(talk) == [200, 200]


def test_a_token_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    state, writer = SqlStateStore(Layout(tmp_path).state), SegmentWriter(tmp_path / "log")
    with pytest.raises(ContractError, match="NOT_THERE is not set"):
        serve(
            tmp_path,
            "tiny",
            Serving.model_validate({"access": {"view": "env:NOT_THERE"}, "port": 0}),
            state=state,
            writer=writer,
            env={},
        )
    writer.close()
    state.close()


def test_with_a_token_others_are_answered_and_without_it_they_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = SqlStateStore(Layout(tmp_path).state)
    add_release(tmp_path, state, "1.0.0")
    route(state, {"1.0.0": 1.0})
    for name, value in ENV.items():
        monkeypatch.setenv(name, value)
    with LiveServer(tmp_path, host="0.0.0.0", hosts=["model.example.org"], access=ACCESS) as server:
        answers = [
            server.ask("POST", "/predict", {"user_id": 1}),
            server.ask("POST", "/predict", {"user_id": 1}, bearer("predict")),
            server.ask("POST", "/predict", {"user_id": 1}, {**bearer("view"), "host": "10.1.2.3:80"}),
            server.ask("POST", "/predict", {"user_id": 1}, {**bearer("view"), "host": "model.example.org"}),
            server.ask("POST", "/predict", {"user_id": 1}, {**bearer("view"), "host": "evil.example"}),
            server.ask("GET", f"/metrics?token={ENV['OPERATE_TOKEN']}"),
            server.ask("GET", "/metrics", None, bearer("operate")),
            server.ask("GET", "/health"),
        ]
        assert [one.status for one in answers] == [401, 200, 200, 200, 421, 401, 200, 200]
        twice = f"Authorization: {bearer('operate')['authorization']}\r\n" * 2
        with socket.create_connection((server.host, server.port), timeout=30) as connection:
            connection.sendall(f"GET /metrics HTTP/1.1\r\nHost: localhost\r\n{twice}\r\n".encode())
            assert connection.recv(65_536).startswith(b"HTTP/1.1 401 ")
    state.close()
