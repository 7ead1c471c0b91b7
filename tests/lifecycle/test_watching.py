"""A look at production, from the log's files to alerts that somebody hears of."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from rondo.adapters.segments import SegmentWriter
from rondo.assembly import Assembly, open_project
from rondo.errors import Conflict, NotAvailable
from rondo.lifecycle.acknowledging import acknowledge
from rondo.lifecycle.advancing import thaw
from rondo.lifecycle.heartbeat import LOOKS_EVERY, heartbeat, heartbeat_of
from rondo.lifecycle.served import evidence
from rondo.lifecycle.upkeep import keep_up
from rondo.lifecycle.watching import look
from rondo.records.holders import this_process
from rondo.records.monitoring import Alert
from rondo.records.prediction import Outcome, Prediction, RequestFigures
from rondo.records.rollout import FROZEN_ALERT
from rondo.stages.monitoring.windows import WINDOW, window_of, with_window
from rondo.testing.bundles import tiny_plan, tiny_rows
from rondo.testing.live_server import add_release, route

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECRET = "hush-41c9"
PROJECT = """
project: tiny
ml_problem: {target: churned, baseline: 0.6}
data: {sources: {a: {files: input.csv}}}
success_criteria: {system_metrics: {availability: {min: 99.9%}}}
monitoring:
  min_samples: 50
  model_metrics:
    accuracy: {threshold: 0.85, alert_on: below, severity: critical}
    latency_p99: {threshold: 100, alert_on: above, unit: ms}
    error_rate: {threshold: 0.01, alert_on: above}
  drift_metrics:
    psi: {threshold: 0.1, alert_on: above}
    ks_statistic: {threshold: 0.1, alert_on: above}
  system_metrics:
    cpu_usage: {threshold: 80, alert_on: above, unit: "%"}
    memory_usage: {threshold: 80, alert_on: above, unit: "%"}
    gpu_utilization: {threshold: 90, alert_on: above, unit: "%"}
  notify: [env:OPS, env:CHAT]
"""


class Receiver(HTTPServer):
    """Takes webhooks; answers with `status`."""

    status = 200

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        super().__init__(("127.0.0.1", 0), _Answer)

    @property
    def url(self) -> str:
        return f"json://user:{SECRET}@127.0.0.1:{self.server_port}/hook"


class _Answer(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.status == 200:
            self.server.taken.append(json.loads(body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *told: Any) -> None:
        """Nothing."""


@pytest.fixture
def receivers() -> Iterator[tuple[Receiver, Receiver]]:
    both = Receiver(), Receiver()
    threads = [threading.Thread(target=one.serve_forever, args=(0.02,)) for one in both]
    for thread in threads:
        thread.start()
    yield both
    for one, thread in zip(both, threads, strict=True):
        one.shutdown()
        thread.join()
        one.server_close()


@pytest.fixture
def project(
    tmp_path: Path, receivers: tuple[Receiver, Receiver], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Assembly]:
    (tmp_path / "rondo.yaml").write_text(PROJECT)
    monkeypatch.setenv("OPS", receivers[0].url)
    monkeypatch.setenv("CHAT", receivers[1].url)
    opened = open_project(tmp_path, clock=lambda: NOW)
    add_release(tmp_path, opened.state, "1.0.0")
    route(opened.state, {"1.0.0": 1.0})
    yield opened
    opened.state.close()


def serve(
    project: Assembly, rows: int, *, shift: float = 0.0, at: datetime = NOW, name: str = "p"
) -> list[str]:
    """Logs predictions about rows like those that the bundle was judged on, moved by `shift`."""
    numbers, words = tiny_rows(tiny_plan(), rows)
    writer = SegmentWriter(project.layout.predictions)
    ids = [f"{name}-{row}" for row in range(rows)]
    for row, prediction_id in enumerate(ids):
        numerical = tuple(None if x != x else float(x) + shift for x in numbers[row])
        writer.prediction(
            Prediction(
                prediction_id,
                at,
                at - timedelta(seconds=row),
                "1.0.0",
                str(row),
                0.9,
                "yes",
                numerical,
                tuple(words[row]),
                3.0,
            )
        )
    writer.figures(RequestFigures(at, 60.0, rows, 0, 0, (3.0,) * rows, 0.2, 0.3, 1000))
    writer.close()
    return ids


def tell(project: Assembly, ids: list[str], value: str, at: datetime = NOW) -> None:
    writer = SegmentWriter(project.layout.predictions)
    for prediction_id in ids:
        writer.outcome(Outcome(prediction_id, value, at))
    writer.close()


def later(project: Assembly, by: timedelta) -> Assembly:
    return replace(project, clock=lambda: NOW + by)


def test_the_listing_is_observed_whole(project: Assembly) -> None:
    tell(project, serve(project, 300), "yes")
    seen = {o.metric: o for o in look(project).observations}
    assert seen["accuracy"].value == 1.0
    assert seen["estimated_accuracy"].state == "estimate"
    states = {name: seen[name].state for name in ("latency_p99", "error_rate", "cpu_usage", "memory_usage")}
    assert set(states.values()) == {"fine"}
    assert {"psi", "ks_statistic", "missing_rate", "unseen_rate"} <= seen.keys()
    assert {"prediction", "age"} <= {o.feature for o in look(project).observations if o.metric == "psi"}
    gpu = seen["gpu_utilization"]
    assert (gpu.state, gpu.value) == ("not_available", None) or gpu.n > 0
    assert seen["service_level"].feature in {"availability", "availability_burn_1h", "availability_burn_6h"}


def test_a_look_revises_what_was_observed_and_adds_nothing(project: Assembly) -> None:
    ids = serve(project, 300)
    look(project)
    before = {o.identity: o for o in project.state.observations()}
    tell(project, ids, "no")
    look(later(project, timedelta(days=80)))
    after = {o.identity: o for o in project.state.observations()}
    of_window = [name for name, o in before.items() if o.window_from and o.metric in ("accuracy", "psi")]
    assert set(of_window) <= after.keys()
    accuracy = [o for o in after.values() if o.metric == "accuracy"]
    assert [(o.value, o.n, o.of) for o in accuracy] == [(0.0, 300, 300)]


def test_an_alert_reaches_everybody_once_and_so_does_its_end(
    project: Assembly, receivers: tuple[Receiver, Receiver]
) -> None:
    ids = serve(project, 300)
    tell(project, ids, "no")
    assert "accuracy" in {alert.key for alert in look(project).opened}
    look(later(project, HOUR))
    assert [len(one.taken) for one in receivers] == [1, 1]
    assert "accuracy is 0, below 0.85" in receivers[0].taken[0]["message"]
    assert all(alert.sent_at == NOW for alert in project.state.alerts(open_only=True))
    tell(project, ids, "yes", NOW + HOUR)
    look(later(project, 2 * HOUR))
    assert [len(one.taken) for one in receivers] == [2, 2]
    assert "over: accuracy" in receivers[1].taken[1]["message"]


def test_who_is_down_hears_of_it_later_and_the_others_not_twice(
    project: Assembly, receivers: tuple[Receiver, Receiver]
) -> None:
    receivers[1].status = 503
    tell(project, serve(project, 300), "no")
    look(project)
    look(later(project, timedelta(minutes=1)))
    assert [len(one.taken) for one in receivers] == [1, 0]
    assert all(alert.sent_at is None for alert in project.state.alerts())
    failed = project.state.events(kind="alert.not_sent")
    assert [event.subject for event in failed] == ["env:CHAT", "env:CHAT"]
    receivers[1].status = 200
    look(later(project, timedelta(minutes=2)))
    assert [len(one.taken) for one in receivers] == [1, 1]
    written = (project.layout.state).read_bytes()
    assert SECRET.encode() not in written


def test_a_receiver_whose_variable_is_not_set_stops_nobody(
    project: Assembly, receivers: tuple[Receiver, Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPS")
    tell(project, serve(project, 300), "no")
    look(replace(project, env={"CHAT": receivers[1].url}))
    assert [len(one.taken) for one in receivers] == [0, 1]
    (failed,) = project.state.events(kind="alert.not_sent")
    assert "OPS is not set" in failed.reason


def test_an_open_alert_is_repeated_until_somebody_takes_note(
    project: Assembly, receivers: tuple[Receiver, Receiver]
) -> None:
    tell(project, serve(project, 300), "no")
    look(project)
    look(later(project, timedelta(days=1)))
    assert len(receivers[0].taken) == 2
    for alert in project.state.alerts(open_only=True):
        noted = acknowledge(project, alert.key, by="ann", note="we know")
        assert (noted.acknowledged_by, noted.acknowledged_at) == ("ann", NOW)
    look(later(project, timedelta(days=3)))
    assert len(receivers[0].taken) == 2
    assert project.state.events(kind="alert.acknowledged")[0].reason == "we know"
    with pytest.raises(NotAvailable, match="no open alert is named 'acuracy'"):
        acknowledge(project, "acuracy", by="ann")


def test_what_somebody_does_while_a_message_is_sent_stays(
    project: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen = Alert(FROZEN_ALERT, "rollbacks", "critical", "frozen", NOW, NOW, 3.0, 3.0, fired_at=NOW)
    project.state.put_alerts([frozen])

    def send(*_: Any, **__: Any) -> None:
        acknowledge(project, "accuracy", by="ann")
        thaw(project.state, NOW)

    monkeypatch.setattr(Assembly, "notifier", lambda *_: SimpleNamespace(send=send))
    tell(project, serve(project, 300), "no")
    look(project)
    after = {alert.key: alert for alert in project.state.alerts()}
    assert (after["accuracy"].acknowledged_by, after["accuracy"].sent_at) == ("ann", NOW)
    assert after[FROZEN_ALERT].recovered_at == NOW


def test_windows_are_read_whole_or_not_at_all(project: Assembly) -> None:
    writer = SegmentWriter(project.layout.predictions)
    numbers, words = tiny_rows(tiny_plan(), 1)
    for day in range(130):
        at, name = NOW - timedelta(days=day), f"p{day}"
        row = tuple(float(x) for x in numbers[0])
        writer.prediction(Prediction(name, at, at, "1.0.0", "1", 0.9, "yes", row, tuple(words[0]), 3.0))
        writer.outcome(Outcome(name, "yes", at))
    writer.close()
    length = project.project.monitoring.window
    for hours in range(0, 2 * 24 * length.days, 7):
        now = NOW + timedelta(hours=hours)
        seen = evidence(project, now=now)
        days = with_window(seen.predictions, length).group_by(WINDOW).len()
        newest = window_of(NOW, length).start
        assert set(days.filter(pl.col(WINDOW) < newest)["len"]) == {length.days}
        assert set(seen.predictions["prediction_id"]) <= set(seen.outcomes["prediction_id"])


def test_two_do_not_look_at_once(project: Assembly) -> None:
    serve(project, 60)
    with (
        project.state.lease("monitoring", this_process(), HOUR, now=NOW),
        pytest.raises(Conflict, match="monitoring"),
    ):
        look(project)


def test_the_monitor_is_late_when_it_has_not_looked_for_a_while(project: Assembly) -> None:
    assert heartbeat(project).told == "the monitor has never looked"
    serve(project, 60)
    look(project)
    assert not heartbeat(later(project, timedelta(minutes=5))).late
    project.state.put(LOOKS_EVERY, 60.0)
    late = heartbeat(later(project, timedelta(minutes=5)))
    assert late.late
    assert "it should look every 60 s" in late.told


def test_without_a_promise_a_window_may_pass() -> None:
    day = timedelta(days=1)
    assert not heartbeat_of(NOW - day, None, window=day, now=NOW).late
    assert heartbeat_of(NOW - day - HOUR, None, window=day, now=NOW).late


def test_whoever_watches_promises_to_and_takes_the_promise_back(project: Assembly) -> None:
    promised: list[float | None] = []

    def wait(_: float) -> bool:
        promised.append(project.state.get(LOOKS_EVERY))
        return True

    keep_up(project, wait)
    assert promised == [60.0]
    assert project.state.get(LOOKS_EVERY) is None
