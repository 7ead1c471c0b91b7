"""The application answers in every protocol, says everything that is wrong at once, and never without a model."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from rondo.adapters.segments import SegmentWriter
from rondo.bundle.model import Model
from rondo.bundle.plan import FeaturePlan, PlanInput, StatelessFeature
from rondo.errors import TemporaryPortError
from rondo.stages.serving import Application, bodies
from rondo.stages.serving.answering import Answerer
from rondo.stages.serving.feedback import Issued
from rondo.stages.serving.joining import INLINE_ROWS
from rondo.stages.serving.problems import Refusal
from rondo.stages.serving.scoring import Group, Scorer
from rondo.stages.serving.versions import served
from rondo.testing.bundles import STORED, tiny_answers, tiny_bundle, tiny_plan
from rondo.testing.serving import House, ask

GIVEN = {"age": 30, "plan": "pro", "spend_30d": 12.5}


def wanted(age: float | None, plan: str | None, spend: float | None) -> float:
    numbers = np.array(
        [[np.nan if age is None else age, np.nan if spend is None else spend]], dtype=np.float32
    )
    return float(tiny_answers(tiny_plan(), numbers, np.array([[plan]], dtype=object), 0.05)[0])


def test_a_row_is_answered_with_its_version_and_an_id(house: House) -> None:
    reply = house.ask("POST", "/predict", GIVEN)
    assert reply.status == 200
    assert reply.headers["x-rondo-version"] == reply.json["version"] == "1.0.0"
    (answer,) = reply.json["predictions"]
    assert answer["score"] == pytest.approx(wanted(30, "pro", 12.5), abs=1e-6)
    assert answer["label"] == ("yes" if answer["score"] >= 0.5 else "no")
    assert answer["prediction_id"]


def test_a_key_is_enough_where_the_store_knows_it(house: House) -> None:
    kept = STORED[7]
    answer = house.ask("POST", "/predict", {"user_id": 7}).json["predictions"][0]
    assert answer["score"] == pytest.approx(wanted(kept["age"], kept["plan"], kept["spend_30d"]), abs=1e-6)
    assert "entity_known" not in answer


def test_what_the_request_says_goes_before_what_the_store_keeps(house: House) -> None:
    answer = house.ask("POST", "/predict", {"user_id": 7, "age": 70}).json["predictions"][0]
    assert answer["score"] == pytest.approx(wanted(70, STORED[7]["plan"], STORED[7]["spend_30d"]), abs=1e-6)


def test_an_unknown_key_is_refused_or_flagged(house: House) -> None:
    reply = house.ask("POST", "/predict", {"user_id": 999})
    assert reply.status == 422
    assert {fault["loc"][-1] for fault in reply.json["errors"]} == {"age", "plan"}
    answer = house.ask("POST", "/predict", {"user_id": 999, "age": 30, "plan": "pro"}).json["predictions"][0]
    assert answer["entity_known"] is False
    assert answer["score"] == pytest.approx(wanted(30, "pro", 0.0), abs=1e-6)


def test_values_past_their_time_are_not_served(house: House) -> None:
    plan = replace(tiny_plan(), ttl_s=1.0)
    house.release("2.0.0", plan=plan)
    house.route({"2.0.0": 1.0})
    assert house.ask("POST", "/predict", {"user_id": 7}).status == 422


def test_every_protocol_gives_the_same_answer(house: House) -> None:
    split = {"dataframe_split": {"columns": list(GIVEN), "data": [list(GIVEN.values())]}}
    tensors = [
        {"name": name, "shape": [1], "datatype": "BYTES" if name == "plan" else "FP32", "data": [value]}
        for name, value in GIVEN.items()
    ]

    async def talk(app: Application) -> list[float]:
        replies = [
            await ask(app, "POST", "/predict", GIVEN),
            await ask(app, "POST", "/predict", {"rows": [GIVEN]}),
            await ask(app, "POST", "/invocations", split),
            await ask(app, "POST", "/v2/models/tiny/infer", {"inputs": tensors}),
            await ask(app, "POST", "/v2/models/tiny/versions/1.0.0/infer", {"inputs": tensors}),
        ]
        assert [reply.status for reply in replies] == [200] * 5
        scores = [reply.json["predictions"][0]["score"] for reply in replies[:3]]
        return scores + [
            next(out["data"][0] for out in reply.json["outputs"] if out["name"] == "score")
            for reply in replies[3:]
        ]

    assert len(set(house.run(talk))) == 1


def test_all_errors_of_a_request_come_at_once(house: House) -> None:
    rows = [GIVEN, {"age": "x", "plan": 3, "spend_30d": 1}, {"agee": 1, "age": True}]
    reply = house.ask("POST", "/predict", {"rows": rows})
    assert reply.status == 422
    assert reply.headers["content-type"] == "application/problem+json"
    problem = reply.json
    assert problem["request_id"] == reply.headers["x-request-id"]
    found = {(tuple(fault["loc"]), fault["code"]) for fault in problem["errors"]}
    assert found == {
        (("rows", 1, "age"), "invalid_value"),
        (("rows", 1, "plan"), "invalid_value"),
        (("rows", 2, "age"), "invalid_value"),
        (("rows", 2, "agee"), "unknown_name"),
        (("rows", 2, "plan"), "missing"),
    }
    assert "age" in next(fault["hint"] for fault in problem["errors"] if fault["code"] == "unknown_name")


@pytest.mark.parametrize(
    "body", [{"age": None, "plan": None, "spend_30d": None}, {"age": None, "plan": "new"}]
)
def test_missing_and_unseen_values_are_answered(house: House, body: dict[str, Any]) -> None:
    reply = house.ask("POST", "/predict", body)
    assert reply.status == 200
    answer = reply.json["predictions"][0]
    assert answer["score"] == pytest.approx(wanted(None, body["plan"], None), abs=1e-6)
    assert answer.get("unseen", 0) == (1 if body["plan"] == "new" else 0)


def test_rows_that_arrive_together_are_each_answered_as_if_alone(house: House) -> None:
    bodies: list[Any] = [{"user_id": key} for key in range(1, 41)]
    bodies[5], bodies[17] = {"user_id": 6, "age": "x"}, {"nobody": 1}

    async def talk(app: Application) -> tuple[Sequence[Any], Sequence[Any]]:
        together = await asyncio.gather(*(ask(app, "POST", "/predict", body) for body in bodies))
        alone = [await ask(app, "POST", "/predict", body) for body in bodies]
        return together, alone

    together, alone = house.run(talk)
    for one, other in zip(together, alone, strict=True):
        assert one.status == other.status
        if one.status == 200:
            assert one.json["predictions"][0]["score"] == other.json["predictions"][0]["score"]
        else:
            assert one.json["errors"] == other.json["errors"]
    assert [reply.status for reply in together].count(422) == 2
    ids = {
        reply.json["predictions"][0]["prediction_id"] for reply in (*together, *alone) if reply.status == 200
    }
    assert len(ids) == 76


def test_many_rows_are_answered_in_their_order(house: House) -> None:
    rows = [{"age": place % 90, "plan": "pro", "spend_30d": 0} for place in range(500)]
    predictions = house.ask("POST", "/predict", {"rows": rows}).json["predictions"]
    found = [one["score"] for one in predictions]
    assert found == [pytest.approx(wanted(place % 90, "pro", 0), abs=1e-6) for place in range(500)]


def test_every_answer_is_in_the_log(house: House) -> None:
    async def talk(app: Application) -> list[str]:
        replies = [
            await ask(app, "POST", "/predict", {"user_id": 3, "event_time": "2026-02-03T04:05:06Z"}),
            await ask(app, "POST", "/predict", {"rows": [GIVEN, {**GIVEN, "plan": "new", "age": None}]}),
        ]
        return [one["prediction_id"] for reply in replies for one in reply.json["predictions"]]

    ids = house.run(talk)
    frame = house.log.predictions()
    assert sorted(frame["prediction_id"]) == sorted(ids)
    by_key = next(row for row in frame.iter_rows(named=True) if row["entity"] == "3")
    assert by_key["event_time"] == datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert (by_key["numerical"], by_key["categorical"]) == ([23.0, 30.0], ["basic"])
    last = next(row for row in frame.iter_rows(named=True) if row["unseen"])
    assert (last["numerical"], last["categorical"], last["version"]) == ([None, 12.5], ["new"], "1.0.0")
    (figures,) = house.log.figures()
    assert (figures.requests, figures.errors, len(figures.latency_ms)) == (2, 0, 2)


def test_an_event_time_is_taken_where_the_plan_has_none(house: House) -> None:
    plan = replace(tiny_plan(), event_time=None, entity=None, views={})
    house.release("2.0.0", plan=plan)
    house.route({"2.0.0": 1.0})
    assert house.ask("POST", "/predict", {**GIVEN, "event_time": "2026-02-03T04:05:06Z"}).status == 200
    assert house.log.predictions()["event_time"].to_list() == [datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)]
    reply = house.ask("POST", "/predict", {**GIVEN, "event_time": "soon"})
    assert (reply.status, reply.json["errors"][0]["loc"]) == (422, ["event_time"])


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/predict", None, 405),
        ("DELETE", "/invocations", None, 405),
        ("PUT", "/v2/models/tiny/infer", {}, 405),
        ("PATCH", "/feedback", {}, 405),
        ("POST", "/metrics", {}, 405),
        ("POST", "/nothing", {}, 404),
        ("POST", "/predict/", {}, 404),
        ("POST", "/v2/models/other/infer", {}, 404),
        ("POST", "/v2/models/tiny/versions/9.9.9/infer", None, 404),
        ("POST", "/v2/models/..%2f..%2fetc/infer", {}, 404),
        ("GET", "/v2/models/other", None, 404),
        ("GET", "/v2/models/tiny/versions/9.9.9", None, 404),
    ],
)
def test_addresses_and_methods_that_are_not_there(
    house: House, method: str, path: str, body: Any, status: int
) -> None:
    if "9.9.9/infer" in path:
        body = {"inputs": [{"name": "user_id", "shape": [1], "datatype": "INT64", "data": [1]}]}
    reply = house.ask(method, path, body)
    assert reply.status == status
    assert reply.json["status"] == status
    assert reply.headers["content-type"].startswith("application/problem+json")
    assert ("allow" in reply.headers) == (status == 405)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/json; charset=latin-1"}, 415),
        ({"content-type": "multipart/form-data"}, 415),
        ({"content-type": ""}, 415),
        ({"content-encoding": "gzip"}, 415),
        ({"content-length": "99999999999999999999999"}, 413),
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example"}, 421),
        ({"content-type": "application/json; charset=utf-8"}, 200),
        ({"host": "localhost"}, 200),
        ({"host": "[::1]:8080"}, 200),
    ],
)
@pytest.mark.parametrize("path", ["/predict", "/feedback"])
def test_heads_of_requests(house: House, path: str, headers: dict[str, str], status: int) -> None:
    body = GIVEN if path == "/predict" else {"prediction_id": "p", "outcome": "yes"}
    reply = house.run(lambda app: ask(app, "POST", path, body, headers))
    assert reply.status == (202 if status == 200 and path == "/feedback" else status)


def test_bodies_and_rows_beyond_the_limits_are_refused(house: House) -> None:
    async def talk(app: Application) -> list[int]:
        big = b'{"age": ' + b" " * 1100 + b"1}"
        replies = [
            await ask(app, "POST", "/predict", big),
            await ask(app, "POST", "/predict", chunks=[b" " * 600, b" " * 600, b"{}"]),
            await ask(app, "POST", "/predict", {"rows": [{"user_id": 1}] * 4}),
            await ask(app, "POST", "/feedback", {"items": [{}] * 4}),
            await ask(app, "POST", "/predict", {"rows": [{"user_id": 1}] * 3}),
        ]
        return [reply.status for reply in replies]

    assert house.run(talk, max_body_kb=1, max_rows=3) == [413, 413, 413, 413, 200]


def test_a_body_in_pieces_is_one_body(house: House) -> None:
    reply = house.run(lambda app: ask(app, "POST", "/predict", chunks=[b'{"user', b'_id": ', b"3}"]))
    assert reply.status == 200


def test_more_requests_than_may_wait_are_told_to_come_again(house: House) -> None:
    async def talk(app: Application) -> list[Any]:
        return await asyncio.gather(*(ask(app, "POST", "/predict", {"user_id": 1}) for _ in range(20)))

    replies = house.run(talk, max_inflight=5)
    assert [reply.status for reply in replies].count(200) == 5
    refused = [reply for reply in replies if reply.status == 429]
    assert len(refused) == 15
    assert {reply.headers["retry-after"] for reply in refused} == {"1"}


def test_a_slow_body_is_not_waited_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_TIMEOUT_S", 0.05)
    reply = house.run(_slow)
    assert reply == (408, "close", 0)


async def _slow(app: Application) -> tuple[int, str, int]:
    sent: list[Any] = []
    first = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def receive() -> Any:
        if first:
            return first.pop()
        return await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/predict", "headers": headers}
    await app(scope, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"])[b"connection"].decode(), app.inflight


@pytest.mark.parametrize("path", ["/feedback", "/explain"])
def test_who_leaves_another_address_is_no_failure_either(
    house: House, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def talk(app: Application) -> None:
        async def receive() -> Any:
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            """Nobody."""

        headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": b""}
        await app(scope, receive, send)

    caplog.set_level("INFO", "rondo.serving")
    house.run(talk)
    assert [record.levelname for record in caplog.records if "left" in record.getMessage()] == ["INFO"]
    assert {record.levelname for record in caplog.records} <= {"INFO"}


def test_h24_work_that_did_not_begin_goes_with_its_client(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "rondo.serving")
    first, second, third = house.run(_one_turn_three_clients)
    assert first == 200  # it was at work when its client left: what has begun is finished
    assert second is None
    assert third == 200
    assert "request gone: the client left predict; nothing was done" in caplog.text
    assert house.log.predictions().height == 2 * BATCH


BATCH = INLINE_ROWS + 1


async def _one_turn_three_clients(app: Application) -> list[int | None]:
    """Clients that send many rows while one turn is taken: two leave, the first of them when it is at work."""
    begun, go_on = threading.Event(), threading.Event()
    scored = app._answerer.answer

    def slowly(*given: Any, **more: Any) -> Any:
        begun.set()
        go_on.wait(30)
        return scored(*given, **more)

    app._answerer = cast("Answerer", SimpleNamespace(answer=slowly, issued=app._answerer.issued))
    leaves = {name: asyncio.Event() for name in ("working", "gone", "stays")}

    async def one(name: str) -> int | None:
        sent: list[Any] = []
        body = [{"type": "http.request", "body": json.dumps({"rows": [GIVEN] * BATCH}).encode()}]

        async def receive() -> Any:
            if body:
                return body.pop()
            await leaves[name].wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        named = (b"x-request-id", name.encode())
        headers = [(b"host", b"localhost"), (b"content-type", b"application/json"), named]
        await app({"type": "http", "method": "POST", "path": "/predict", "headers": headers}, receive, send)
        return sent[0]["status"] if sent else None

    asking = []
    for name in leaves:
        asking.append(asyncio.create_task(one(name)))
        await asyncio.to_thread(begun.wait, 30)
        await asyncio.sleep(0.01)
    leaves["working"].set()
    leaves["gone"].set()
    await asyncio.wait({asking[1]}, timeout=30)
    assert app.inflight == 2
    go_on.set()
    answers = list(await asyncio.gather(*asking))
    counted = app.figures.text(app.table, inflight=app.inflight, writer=app.parts.writer).decode()
    assert 'rondo_requests_total{code="499",endpoint="predict",model="tiny",version=""} 1.0' in counted
    assert app.figures.interval(datetime.now(UTC), dropped=0).errors == 0
    return answers


def test_a_client_that_leaves_is_nobodys_failure(house: House) -> None:
    async def talk(app: Application) -> tuple[int, int]:
        async def receive() -> Any:
            return {"type": "http.disconnect"}

        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
        await app({"type": "http", "method": "POST", "path": "/predict", "headers": headers}, receive, send)
        return len(sent), app.inflight

    assert house.run(talk) == (0, 0)


@pytest.mark.parametrize("given", ["abc-123", "x" * 64])
def test_a_request_id_of_the_client_is_kept(house: House, given: str) -> None:
    for path in ("/predict", "/feedback"):
        reply = house.run(lambda app, path=path: ask(app, "POST", path, GIVEN, {"x-request-id": given}))
        assert reply.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\r\nset-cookie: x", "é"])
def test_a_request_id_that_is_none_is_replaced(house: House, given: str) -> None:
    reply = house.run(lambda app: ask(app, "POST", "/predict", GIVEN, {"x-request-id": given}))
    assert reply.headers["x-request-id"] not in ("", given)


def test_without_a_model_nothing_is_ready(empty_house: House) -> None:
    async def talk(app: Application) -> dict[str, int]:
        paths = ("/ready", "/ping", "/v2/health/ready", "/v2/models/tiny/ready", "/health", "/v2/health/live")
        found = {path: (await ask(app, "GET", path)).status for path in paths}
        for path in ("/predict", "/invocations", "/v2/models/tiny/infer", "/feedback"):
            found[path] = (await ask(app, "POST", path, {"user_id": 1})).status
        found |= {
            path: (await ask(app, "GET", path)).status for path in ("/docs", "/openapi.json", "/metrics")
        }
        return found

    found = empty_house.run(talk)
    live = {"/health", "/v2/health/live", "/docs", "/openapi.json", "/metrics"}
    assert {path for path, status in found.items() if status == 200} == live
    assert {status for path, status in found.items() if path not in live} == {503}


def test_a_bundle_that_was_damaged_never_serves(empty_house: House) -> None:
    empty_house.release("1.0.0")
    path = empty_house.root / ".rondo" / "releases" / "1.0.0" / "model.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    empty_house.route({"1.0.0": 1.0})

    async def talk(app: Application) -> Any:
        assert (await ask(app, "POST", "/predict", GIVEN)).status == 503
        return (await ask(app, "GET", "/ready")).json

    told = empty_house.run(talk)
    assert not told["ready"]
    assert "model.onnx" in told["failed"]["1.0.0"]


def test_a_store_that_does_not_answer_is_503_and_rows_without_it_go_on(house: House) -> None:
    class Down:
        def read(self, views: Sequence[str], keys: Sequence[Any]) -> Any:
            raise TemporaryPortError("the store is away")

        def close(self) -> None:
            pass

    house.online = Down()
    reply = house.ask("POST", "/predict", {"user_id": 1})
    assert (reply.status, reply.json["type"]) == (503, "urn:rondo:problem:feature-store")
    assert "away" not in reply.body.decode()
    assert house.ask("POST", "/predict", GIVEN).status == 200


class NoNumber:
    """A model gone wrong."""

    def run(self, numerical: np.ndarray, categorical: np.ndarray) -> np.ndarray:
        return np.full((len(numerical), 2), np.nan)


def test_a_model_that_gives_no_number_is_a_typed_503_and_not_logged(house: House) -> None:
    bundle = replace(tiny_bundle(house.root / "b"), model=cast("Model", NoNumber()))
    writer = SegmentWriter(house.root / "log")
    answerer = Answerer("boot", Scorer(None), writer, Issued("boot"))
    with pytest.raises(Refusal) as refused:
        answerer.answer(Group(served(bundle), [GIVEN], None), now=datetime.now(UTC), started=[0.0])
    writer.close()
    assert (refused.value.status, refused.value.faults[0].code) == (503, "model_output_invalid")
    assert writer.ledger.taken == 0


def test_a_failing_feature_function_is_not_the_clients_fault(house: House) -> None:
    source = b"def double(rows):\n    assert rows['age'].max() < 100, 'secret'\n    return rows['age'] * 2\n"
    plan = FeaturePlan(
        entity=None,
        event_time=None,
        inputs=(PlanInput("age", "float"), PlanInput("plan", "string")),
        history=(),
        stateless=(
            StatelessFeature("twice", "python", ("age",), function="mine.py:double"),
            StatelessFeature("plan", "column", ("plan",)),
        ),
        numerical=("twice",),
        categorical=("plan",),
        views={},
        python_files={"mine.py": hashlib.sha256(source).hexdigest()},
    )
    house.release("2.0.0", plan=plan, python={"mine.py": source})
    house.route({"2.0.0": 1.0})
    assert house.ask("POST", "/predict", {"age": 30, "plan": "pro"}).status == 200
    reply = house.ask("POST", "/predict", {"age": 300, "plan": "pro"})
    assert (reply.status, reply.json["type"]) == (500, "urn:rondo:problem:feature-function")
    assert "secret" not in reply.body.decode()


def test_feedback_over_a_restart_is_still_one_truth(house: House) -> None:
    outcome = {"prediction_id": "p", "outcome": "yes"}
    told = house.ask("POST", "/feedback", outcome).json
    assert told == {"accepted": 1, "repeated": 0, "corrected": 0, "parked": 1}
    assert house.ask("POST", "/feedback", outcome).json == {"accepted": 0, "repeated": 1, "corrected": 0}
    assert house.ask("POST", "/feedback", {**outcome, "outcome": "no"}).status == 409
    assert house.ask("POST", "/feedback", {**outcome, "outcome": "no", "corrects": True}).status == 202
    assert house.log.outcomes()["value"].to_list() == ["no"]


def test_metrics_are_in_the_form_of_prometheus(house: House) -> None:
    async def talk(app: Application) -> str:
        await ask(app, "POST", "/predict", {"user_id": 1})
        await ask(app, "POST", "/predict", {"age": 1, "plan": "new"})
        await ask(app, "POST", "/predict", {"age": "x"})
        return (await ask(app, "GET", "/metrics")).body.decode()

    text = house.run(talk)
    assert 'rondo_requests_total{code="200",endpoint="predict",model="tiny",version="1.0.0"} 2.0' in text
    assert 'rondo_requests_total{code="422",endpoint="predict",model="tiny",version="1.0.0"} 1.0' in text
    assert 'rondo_request_duration_seconds_count{model="tiny",version="1.0.0"} 2.0' in text
    assert "rondo_feature_fetch_duration_seconds_count 1.0" in text
    assert 'rondo_unseen_categories_total{model="tiny",version="1.0.0"} 1.0' in text
    assert 'rondo_rollout_weight_ratio{version="1.0.0"} 1.0' in text
    assert "rondo_ready 1.0" in text


def test_the_description_names_every_address_and_the_rows(house: House) -> None:
    described = house.ask("GET", "/openapi.json").json
    row = described["components"]["schemas"]["Row"]
    assert set(row["properties"]) == {"user_id", "event_time", "age", "plan", "spend_30d"}
    assert {"/predict", "/invocations", "/feedback", "/v2/models/tiny/infer"} <= set(described["paths"])
    asked = described["paths"]["/predict"]["post"]
    assert {one["name"] for one in asked["parameters"]} == {
        "x-request-id",
        "x-deadline-ms",
        "idempotency-key",
    }
    assert {"200", "401", "403", "422", "429", "503", "504"} <= set(asked["responses"])
    page = house.ask("GET", "/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "http://" not in page.body.decode().replace("http://127.0.0.1:PORT", "")
    assert "/predict" in page.body.decode()


def test_two_servers_keep_one_truth(house: House) -> None:
    async def whole() -> list[int]:
        async with house.open() as one, house.open() as other:
            outcome = {"prediction_id": "p", "outcome": "yes"}
            found = [(await ask(one, "POST", "/feedback", outcome)).status]
            while house.log.outcomes().height < 1:  # until it is on the disk
                await asyncio.sleep(0)
            contrary = {**outcome, "outcome": "no"}
            found.append((await ask(other, "POST", "/feedback", outcome)).status)
            found.append((await ask(other, "POST", "/feedback", contrary)).status)
            found.append((await ask(other, "POST", "/feedback", {**contrary, "corrects": True})).status)
            while house.log.outcomes()["value"].to_list() != ["no"]:
                await asyncio.sleep(0)
            found.append((await ask(one, "POST", "/feedback", contrary)).status)
            found.append((await ask(one, "POST", "/feedback", outcome)).status)
            return found

    assert asyncio.run(whole()) == [202, 200, 409, 202, 200, 409]
