"""What cannot be used is refused with its code, with what, where and what to do, and changes nothing.

The names of the rows are those of the catalogue of bad inputs: H for requests, F for outcomes. Rows that need
their own server (tokens, no model, a model that fails) say so by the name of the app that they ask.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from rondo.bundle.model import Model
from rondo.errors import TemporaryPortError
from rondo.stages.serving import Application
from rondo.testing.live_server import Reply
from rondo.testing.serving import House, ask

GIVEN = {"age": 30, "plan": "pro", "spend_30d": 12.5}
PREDICT, INVOKE, INFER, FEEDBACK = "/predict", "/invocations", "/v2/models/tiny/infer", "/feedback"
LIMITS = {"max_body_kb": 64, "max_rows": 100}
TOKEN = "a-token-for-predictions-only"
ACCESS = {"predict": "env:PREDICT", "operate": "env:OPERATE"}
ENV = {"PREDICT": TOKEN, "OPERATE": "a-token-for-operators-alone"}


@dataclass(frozen=True)
class Row:
    """A request, the code it gets, and where its first error points (a prefix)."""

    name: str
    status: int
    body: Any = None
    path: str = PREDICT
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    loc: tuple[str | int, ...] = ()
    chunks: list[bytes] | None = None
    app: str = "plain"


def raw(value: str) -> bytes:
    return b'{"age": ' + value.encode() + b', "plan": "pro"}'


def tensor(**given: Any) -> dict[str, Any]:
    one = {"name": "user_id", "shape": [1], "datatype": "INT64", "data": [1]}
    return {"inputs": [{**one, **given}]}


def outcome(**given: Any) -> dict[str, Any]:
    return {"prediction_id": "unknown", "outcome": "yes", **given}


H1 = [
    Row(f"H1 {what} to {path}", 400 if body == b"" else 422, body, path)
    for what, body in {
        "nothing": b"",
        "null": b"null",
        "an empty list": b"[]",
        "an empty object": b"{}",
        "a text": b'"text"',
        "a number": b"42",
        "true": b"true",
    }.items()
    for path in (PREDICT, INVOKE, INFER, FEEDBACK)
]
H1 += [
    Row("H1 no rows", 422, {"rows": []}, loc=("rows",)),
    Row("H1 no records", 422, {"dataframe_records": []}, INVOKE),
    Row("H1 no tensors", 422, {"inputs": []}, INFER, loc=("inputs",)),
    Row("H1 no items", 422, {"items": []}, FEEDBACK, loc=("items",)),
]
H2_TO_H7 = [
    Row("H2 cut off", 400, b'{"age": 1'),
    Row("H2 two values", 400, b"{}{}"),
    *(Row(f"H3 {word}", 400, raw(word)) for word in ("NaN", "Infinity", "-Infinity", "1e400", "-1e999")),
    Row("H4 a name twice", 400, b'{"age": 1, "age": 2, "plan": "pro"}', loc=("age",)),
    Row(
        "H4 a name twice, spelled otherwise", 400, rb'{"age": 1, "\u0061ge": 2, "plan": "pro"}', loc=("age",)
    ),
    Row(
        "H4 a name twice in a row",
        400,
        b'{"rows": [{"age": 1, "plan": "pro", "plan": "basic"}]}',
        loc=("plan",),
    ),
    Row("H5 20,000 lists deep", 400, b"[" * 20_000),
    Row("H5 20,000 objects deep", 400, b'{"a":' * 10_000 + b"1" + b"}" * 10_000),
    Row("H5 one level too deep", 400, b'{"age":' + b"[" * 33 + b"]" * 33 + b"}"),
    Row("H6 5,000 digits", 400, raw("1" * 5000)),
    Row("H6 a number for a key beyond 64 bits", 422, {"user_id": 2**70}),
    Row("H7 half a surrogate pair", 400, raw('"\\ud800"')),
    Row("H7 not UTF-8", 400, raw("0").replace(b"pro", b"\xff\xfe")),
    Row("H7 overlong", 400, raw("0").replace(b"pro", b"\xc0\xaf")),
    Row("H7 UTF-16", 400, json.dumps(GIVEN).encode("utf-16")),
    Row("H7 a byte order mark", 400, b"\xef\xbb\xbf" + json.dumps(GIVEN).encode()),
]
H8_TO_H10 = [
    *(
        Row(f"H8 content type {kind!r} to {path}", 415, GIVEN, path, headers={"content-type": kind},
            loc=("headers", "content-type"))
        for kind in ("", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded",
                     "application/json; charset=latin-1", "application/jsonx", "text/csv")
        for path in (PREDICT, FEEDBACK)
    ),
    Row("H9 one byte too many", 413, b" " * (64 * 1024 + 1)),
    Row("H9 pieces without end", 413, chunks=[b" " * 10_000] * 8),
    Row("H9 a length that is too much", 413, GIVEN, headers={"content-length": "65537"}),
    Row("H9 a length of forty digits", 413, GIVEN, headers={"content-length": "9" * 40}),
    *(
        Row(f"H10 {coding}", 415, GIVEN, headers={"content-encoding": coding}, loc=("headers", "content-encoding"))
        for coding in ("gzip", "deflate", "br", "gzip, gzip", "no-such-coding")
    ),
]  # fmt: skip
H12_TO_H16 = [
    Row("H12 a feature is missing", 422, {"age": 30}, loc=("plan",)),
    Row("H12 a feature too many", 422, {**GIVEN, "income": 3}, loc=("income",)),
    Row("H12 in capitals", 422, {**GIVEN, "Age": 3}, loc=("Age",)),
    Row("H12 with a space", 422, {**GIVEN, "age ": 3}, loc=("age ",)),
    Row("H12 with a name of 1,000 characters", 422, {**GIVEN, "x" * 1000: 3}),
    Row("H12 rows and more", 422, {"rows": [GIVEN], "more": 1}, loc=("more",)),
    Row("H12 two forms at once", 422, {"instances": [1], "inputs": [1]}, INVOKE),
    Row("H12 params", 422, {"dataframe_records": [GIVEN], "params": {"a": 1}}, INVOKE, loc=("params",)),
    *(
        Row(f"H13 {value!r} for a number", 422, {**GIVEN, "age": value}, loc=("age",))
        for value in ("3", "", True, [3], {"a": 3}, [])
    ),
    *(
        Row(f"H13 {value!r} for a text", 422, {**GIVEN, "plan": value}, loc=("plan",))
        for value in (3, 1.5, True, ["pro"], {})
    ),
    *(
        Row(f"H13 {value!r} for a key", 422, {**GIVEN, "user_id": value}, loc=("user_id",))
        for value in ("7", 3.7, True, [7], {})
    ),
    *(
        Row(f"H14 the moment {value!r}", 422, {"user_id": 1, "event_time": value}, loc=("event_time",))
        for value in ("yesterday", "2026-13-45", "2026-02-30T00:00:00Z", "", 20260101, True, "0000-00-00")
    ),
    Row("H15 one bad row of a hundred", 422, {"rows": [GIVEN] * 57 + [{**GIVEN, "age": "x"}] + [GIVEN] * 42},
        loc=("rows", 57, "age")),
    Row("H15 a row that is none", 422, {"rows": [GIVEN, 3]}, loc=("rows", 1)),
    Row("H16 more rows than are taken", 413, {"rows": [{"user_id": 1}] * 101}),
    Row("H16 more instances than are taken", 413, {"instances": [{"user_id": 1}] * 101}, INVOKE),
    Row("H16 columns of different length", 422, {"inputs": {"age": [1, 2], "plan": ["pro"]}}, INVOKE),
    Row("H16 a row of another length", 422,
        {"dataframe_split": {"columns": ["age", "plan"], "data": [[1, "pro"], [1]]}}, INVOKE),
    Row("H16 a column twice", 422, {"dataframe_split": {"columns": ["age", "age"], "data": [[1, 2]]}}, INVOKE),
    Row("H16 a tensor of another shape", 422, tensor(shape=[2]), INFER, loc=("inputs", 0, "shape")),
    Row("H16 a tensor without a name", 422, tensor(name=None), INFER, loc=("inputs", 0, "name")),
    Row("H16 a tensor of a strange type", 422, tensor(datatype="INT7"), INFER, loc=("inputs", 0, "datatype")),
    Row("H16 a tensor with another value", 422, tensor(data=["x"]), INFER, loc=("inputs", 0, "data")),
    Row("H16 a tensor within a tensor", 422, tensor(data=[[1]]), INFER, loc=("inputs", 0, "data")),
]  # fmt: skip
H17_TO_H25 = [
    Row("H17 an unknown model", 404, tensor(), "/v2/models/other/infer"),
    Row("H17 an unknown version", 404, tensor(), "/v2/models/tiny/versions/9.9.9/infer"),
    Row("H17 a version that is archived", 404, tensor(), "/v2/models/tiny/versions/0.9.0/infer"),
    Row("H17 the shadow", 404, tensor(), "/v2/models/tiny/versions/2.0.0/infer"),
    Row("H17 out of the folder", 404, tensor(), "/v2/models/../../etc/passwd/infer"),
    Row("H17 out of the folder, quoted", 404, tensor(), "/v2/models/..%2f..%2fetc/infer"),
    Row("H17 a version with dots", 404, tensor(), "/v2/models/tiny/versions/../infer"),
    Row("H17 a version with a zero byte", 404, tensor(), "/v2/models/tiny/versions/1.0.0\x00/infer"),
    Row("H17 no such address", 404, GIVEN, "/predict/"),
    Row("H19 a key without characters", 400, GIVEN, headers={"idempotency-key": ""}),
    Row("H19 a key with a space", 400, GIVEN, headers={"idempotency-key": "a b"}),
    Row("H19 a key of 300 characters", 400, GIVEN, headers={"idempotency-key": "k" * 300}),
    Row("H20 no token", 401, GIVEN, app="guarded", loc=("headers", "authorization")),
    Row("H20 a wrong token", 401, GIVEN, headers={"authorization": "Bearer of-nobody"}, app="guarded"),
    Row("H20 another scheme", 401, GIVEN, headers={"authorization": f"Basic {TOKEN}"}, app="guarded"),
    Row("H20 no scheme", 401, GIVEN, headers={"authorization": TOKEN}, app="guarded"),
    Row("H20 half a token", 401, GIVEN, headers={"authorization": f"Bearer {TOKEN[:9]}"}, app="guarded"),
    Row("H20 a token of a megabyte", 431, GIVEN, headers={"authorization": "Bearer " + "x" * 2**20}, app="guarded"),
    Row("H20 a role too low", 403, None, "/metrics", "GET", {"authorization": f"Bearer {TOKEN}"}, app="guarded"),
    Row("H20 no token, and no body to read", 401, b"{" * 100, app="guarded"),
    *(
        Row(f"H21 {method} {path}", 405, None, path, method)
        for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS")
        for path in (PREDICT, INFER, FEEDBACK)
    ),
    Row("H21 a method in a header", 405, None, PREDICT, "GET", {"x-http-method-override": "POST"}),
    *(
        Row(f"H22 {path} asked as {host!r}", 421, GIVEN, path, headers={"host": host}, loc=("headers", "host"))
        for host in ("evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "", "10.0.0.7")
        for path in (PREDICT, FEEDBACK)
    ),
    Row("H25 no time", 504, GIVEN, headers={"x-deadline-ms": "0"}, loc=("headers", "x-deadline-ms")),
    *(
        Row(f"H25 a deadline of {value!r}", 400, GIVEN, headers={"x-deadline-ms": value},
            loc=("headers", "x-deadline-ms"))
        for value in ("-1", "soon", "1000000000", "", "1.5", "1e3", "٣", "0x10")
    ),
]  # fmt: skip
H26_TO_H28 = [
    Row("H26 a model that gives no number", 503, GIVEN, app="nan"),
    Row(
        "H26 a model that gives infinity",
        503,
        GIVEN,
        INVOKE.replace("invocations", "predict"),
        app="infinite",
    ),
    Row("H26 a model that gives too few", 503, GIVEN, app="short"),
    Row("H26 a model that breaks", 500, GIVEN, app="breaks"),
    Row("H27 a key that the store does not know", 422, {"user_id": 999}, loc=("age",)),
    Row("H27 a store that does not answer", 503, {"user_id": 1}, app="storeless"),
    *(Row(f"H28 no model, {path}", 503, GIVEN, path, app="empty") for path in (PREDICT, INVOKE, INFER)),
    Row("H28 no model says what an outcome is", 503, outcome(), FEEDBACK, app="empty"),
]
F = [
    *(
        Row(f"F4 the outcome {value!r}", 422, outcome(outcome=value), FEEDBACK, loc=("outcome",))
        for value in ("maybe", "", 3, 1.5, None, [], {}, ["yes"], "<script>alert(1)</script>", "=1+1", "YES")
    ),
    Row("F4 not a number", 400, b'{"prediction_id": "p", "outcome": NaN}', FEEDBACK),
    Row("F5 in the future", 422, outcome(happened_at="2999-01-01T00:00:00Z"), FEEDBACK, loc=("happened_at",)),
    Row("F5 no moment", 422, outcome(happened_at="last week"), FEEDBACK, loc=("happened_at",)),
    Row("F6 half of it valid", 422, {"items": [outcome(), outcome(outcome="x")]}, FEEDBACK,
        loc=("items", 1, "outcome")),
    Row("F6 at odds with itself", 409, {"items": [outcome(), outcome(outcome="no")]}, FEEDBACK,
        loc=("items", 1, "outcome")),
    Row("F6 items and more", 422, {"items": [outcome()], "more": 1}, FEEDBACK),
    Row("F6 items that are none", 422, {"items": {"a": outcome()}}, FEEDBACK, loc=("items",)),
    Row("F6 an item that is none", 422, {"items": [3]}, FEEDBACK, loc=("items", 0)),
    Row("F8 more than are taken", 413, {"items": [outcome()] * 101}, FEEDBACK),
    Row("F8 larger than is taken", 413, b" " * 65_537, FEEDBACK),
    *(
        Row(f"F10 the id {value!r:.20}", 422, outcome(prediction_id=value), FEEDBACK, loc=("prediction_id",))
        for value in ("", 3, None, ["p"], "p" * 201)
    ),
    Row("F11 a file", 415, b"prediction_id,outcome\np,=1+1\n", FEEDBACK, headers={"content-type": "text/csv"}),
    Row("F12 a correction that is none", 422, outcome(corrects="yes"), FEEDBACK, loc=("corrects",)),
    Row("F12 an unknown name", 422, outcome(delete=True), FEEDBACK, loc=("delete",)),
]  # fmt: skip
ROWS = [*H1, *H2_TO_H7, *H8_TO_H10, *H12_TO_H16, *H17_TO_H25, *H26_TO_H28, *F]

Said = tuple[Reply, bool]


def spoiled(app: Application, runs: Any) -> None:
    """Lets the model of the version that serves run like that."""
    keeper = app.parts.keeper
    one = keeper.table.warm["1.0.0"]
    model = cast("Model", type("Spoiled", (), {"run": staticmethod(runs)}))
    keeper.table = replace(
        keeper.table, warm={"1.0.0": replace(one, bundle=replace(one.bundle, model=model))}
    )


def breaks(numbers: Any, words: Any) -> Any:
    raise RuntimeError("secret detail")


class Storeless:
    def read(self, views: Any, keys: Any) -> Any:
        raise TemporaryPortError("the store is away")

    def close(self) -> None:
        """Nothing."""


MODELS = {
    "nan": lambda numbers, words: np.full((len(numbers), 2), np.nan),
    "infinite": lambda numbers, words: np.full((len(numbers), 2), np.inf),
    "short": lambda numbers, words: np.empty((0, 2)),
    "breaks": breaks,
}


@pytest.fixture(scope="module")
def replies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Said]:
    """What every row was told, and whether the state was as before afterwards."""
    folder: Path = tmp_path_factory.mktemp("bad")
    houses = {name: House(folder / name) for name in ("plain", "guarded", "storeless", "empty", *MODELS)}
    for name, house in houses.items():
        if name != "empty":
            house.release("1.0.0")
            house.route({"1.0.0": 1.0})
    for version in ("0.9.0", "2.0.0"):
        houses["plain"].release(version)
    houses["plain"].route({"0.9.0": 1.0})
    houses["plain"].route({"1.0.0": 1.0}, shadow="2.0.0")
    houses["storeless"].online = Storeless()

    async def whole() -> dict[str, Said]:
        found: dict[str, Said] = {}
        async with AsyncExitStack() as stack:
            apps = {
                name: await stack.enter_async_context(
                    house.open(**LIMITS, **({"access": ACCESS, "env": ENV} if name == "guarded" else {}))
                )
                for name, house in houses.items()
            }
            for task in [task for app in apps.values() for task in app._tasks]:
                task.cancel()  # nothing is written, nor followed, behind the rows' back
            for name, runs in MODELS.items():
                spoiled(apps[name], runs)
            for row in ROWS:
                app = apps[row.app]
                before = state(app)
                reply = await ask(app, row.method, row.path, row.body, row.headers, chunks=row.chunks)
                found[row.name] = reply, state(app) == before
        return found

    return asyncio.run(whole())


def state(app: Application) -> tuple[Any, ...]:
    """Everything that a request could change for good."""
    writer: Any = app.parts.writer
    events = cast("Any", app.parts.keeper)._state.events()
    return writer.ledger.taken, len(app.recorder.outcomes), len(app._repeats._seen), app.inflight, len(events)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_it_is_refused_and_changes_nothing(row: Row, replies: dict[str, Said]) -> None:
    reply, unchanged = replies[row.name]
    assert reply.status == row.status, reply.body[:500]
    assert unchanged
    assert reply.headers["content-type"].startswith("application/problem+json")
    problem = reply.json
    assert problem["status"] == row.status
    assert problem["type"].startswith("urn:rondo:problem:")
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"] == reply.headers["x-request-id"]
    first = problem["errors"][0]
    assert tuple(first["loc"][: len(row.loc)]) == row.loc
    for fault in problem["errors"]:
        assert fault["code"]
        assert fault["msg"]
        assert fault["hint"]
    told = reply.body.decode()
    assert "Traceback" not in told
    assert "secret detail" not in told
    assert TOKEN not in told
    if row.status == 405:
        assert reply.headers["allow"]
    if row.status == 401:
        assert reply.headers["www-authenticate"].startswith("Bearer")
    if row.status in (429, 503) and row.app in ("empty", "storeless"):
        assert reply.headers["retry-after"] == "1"


def test_the_table_does_not_shrink() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert len(ROWS) >= 200


def test_what_is_asked_for_by_header_is_ignored(house: House) -> None:
    """H18, H21, H23: neither a version, nor another method, nor a strange id."""
    house.release("2.0.0")
    headers = {
        "x-rondo-version": "2.0.0",
        "x-http-method-override": "DELETE",
        "x-request-id": "a" * 10_000,
        "x-forwarded-host": "evil.example",
    }
    reply = house.run(lambda app: ask(app, "POST", PREDICT, GIVEN, headers))
    assert (reply.status, reply.headers["x-rondo-version"]) == (200, "1.0.0")
    assert len(reply.headers["x-request-id"]) < 100


def test_a_repeated_request_is_answered_once(house: House) -> None:
    """H19: the same again gets the same reply, and one prediction is logged."""
    key = {"idempotency-key": "order-7"}

    async def talk(app: Application) -> list[Reply]:
        first, together = await asyncio.gather(*(ask(app, "POST", PREDICT, GIVEN, key) for _ in range(2)))
        return [
            first,
            together,
            await ask(app, "POST", PREDICT, GIVEN, key),
            await ask(app, "POST", PREDICT, {**GIVEN, "age": 31}, key),
            await ask(app, "POST", PREDICT, {**GIVEN, "age": "x"}, {"idempotency-key": "failed"}),
            await ask(app, "POST", PREDICT, GIVEN, {"idempotency-key": "failed"}),
        ]

    replies = house.run(talk)
    assert [one.status for one in replies] == [200, 409, 200, 422, 422, 200]
    assert replies[0].body == replies[2].body
    assert replies[0].headers["x-rondo-version"] == replies[2].headers["x-rondo-version"]
    assert [replies[place].json["errors"][0]["code"] for place in (1, 3)] == ["in_flight", "key_reused"]
    assert house.log.predictions().height == 2


def test_a_deadline_is_looked_at_before_the_work(house: House) -> None:
    """H25: many rows that waited for others until nobody waited for them are not answered any more."""
    many = {"rows": [GIVEN] * 100}

    async def talk(app: Application) -> list[int]:
        return [
            (await ask(app, "POST", PREDICT, body, {"x-deadline-ms": given})).status
            for body in (GIVEN, many)
            for given in ("600000", "0")
        ]

    assert house.run(talk) == [200, 504, 200, 504]
    assert house.log.predictions().height == 101


def test_outcomes_of_every_kind(house: House) -> None:
    """F1 to F9, F12: what is taken, and what it is called."""

    async def talk(app: Application) -> list[tuple[int, dict[str, int]]]:
        said = (await ask(app, "POST", PREDICT, {"user_id": 1, "event_time": "2026-01-01T00:00:00Z"})).json
        own = said["predictions"][0]["prediction_id"]
        sent = [
            outcome(prediction_id=own),
            outcome(prediction_id=own),
            outcome(prediction_id=own, outcome="no"),
            outcome(prediction_id=own, outcome="no", corrects=True),
            outcome(prediction_id=own, outcome="yes", corrects=True, happened_at="2025-12-31T00:00:00Z"),
            outcome(prediction_id=own, outcome="yes", corrects=True, happened_at="2026-04-30T00:00:00Z"),
            outcome(prediction_id="of-another-project"),
            outcome(prediction_id=f"{own}-shadow", outcome="no"),
            {"items": [outcome(prediction_id="twice"), outcome(prediction_id="twice")]},
            outcome(prediction_id=own, outcome=None, corrects=True),
        ]
        replies = [await ask(app, "POST", FEEDBACK, body) for body in sent]
        return [(one.status, one.json) for one in replies]

    replies = house.run(talk)
    assert [status for status, _ in replies] == [202, 200, 409, 202, 422, 202, 202, 202, 202, 202]
    told = [{k: v for k, v in reply.items() if v and type(v) is int} for _, reply in replies]
    assert told[0] == {"accepted": 1}
    assert told[1] == {"repeated": 1}
    assert told[3] == {"corrected": 1}
    assert told[5] == {"corrected": 1, "late": 1}
    assert told[6] == told[7] == {"accepted": 1, "parked": 1}
    assert told[8] == {"accepted": 1, "repeated": 1, "parked": 1}
    assert told[9] == {"withdrawn": 1}
    left = dict(house.log.outcomes().select("prediction_id", "value").iter_rows())
    own = house.log.predictions()["prediction_id"][0]
    assert left == {"of-another-project": "yes", "twice": "yes", f"{own}-shadow": "no"}


def test_a_flood_that_flips_known_outcomes_is_bounded_per_client(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """F10: one source may change so many known outcomes in an hour; it is counted, logged, and others go on."""

    async def talk(app: Application) -> list[Reply]:
        def items(what: str | None, *places: int, **more: Any) -> dict[str, Any]:
            return {"items": [outcome(prediction_id=f"p{n}", outcome=what, **more) for n in places]}

        replies = [
            await ask(app, "POST", FEEDBACK, items("yes", *range(10)), client="10.0.0.1"),
            await ask(app, "POST", FEEDBACK, items("no", 0, 1, 2, corrects=True), client="10.0.0.9"),
            await ask(app, "POST", FEEDBACK, items("no", 3, 4, corrects=True), client="10.0.0.9"),
            await ask(app, "POST", FEEDBACK, items(None, 4, 5, corrects=True), client="10.0.0.9"),
            await ask(app, "POST", FEEDBACK, items("no", 3, 4, 5, 6, 7, corrects=True), client="10.0.0.8"),
            await ask(app, "POST", FEEDBACK, items("no", 3, corrects=True), client="10.0.0.9"),
            await ask(app, "POST", FEEDBACK, items("yes", *range(10, 30)), client="10.0.0.9"),
            await ask(app, "POST", FEEDBACK, items("no", 9, corrects=True), client="10.0.0.1"),
        ]
        counted = app.figures.text(app.table, inflight=0, writer=app.parts.writer).decode()
        assert 'rondo_outcomes_total{model="tiny",result="refused"} 9.0' in counted
        assert app.figures.interval(datetime.now(UTC), dropped=0).refused_outcomes == 9
        return replies

    replies = house.run(talk, max_corrections=4)
    assert [one.status for one in replies] == [202, 202, 429, 429, 429, 202, 202, 202]
    refused = replies[2]
    assert refused.headers["content-type"] == "application/problem+json"
    assert 3590 <= int(refused.headers["retry-after"]) <= 3600
    (error,) = refused.json["errors"]
    assert error["code"] == "too_many_corrections"
    assert "2 known outcomes would change after 3 in the last hour; at most 4" in error["msg"]
    assert "serving.max_corrections" in error["hint"]
    assert "retry-after" not in replies[4].headers  # more at once than will ever be allowed
    told = [record.getMessage() for record in caplog.records if "wants to change" in record.getMessage()]
    assert [line.split()[2] for line in told] == ["10.0.0.9", "10.0.0.8"]  # once each
    kept = dict(house.log.outcomes().select("prediction_id", "value").iter_rows())
    assert {f"p{n}": kept[f"p{n}"] for n in range(10)} == {
        f"p{n}": "no" if n in (0, 1, 2, 3, 9) else "yes" for n in range(10)
    }
    assert len(kept) == 30
