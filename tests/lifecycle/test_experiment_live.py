"""What a real server writes is what an experiment reads: entities, versions, outcomes, and its own figures."""

from __future__ import annotations

import http.client
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rondo.adapters.segments import SegmentLog
from rondo.adapters.sqlstate import SqlStateStore
from rondo.records.experiment import ExperimentPlan, ExperimentVariant, Guardrail, Truth
from rondo.records.layout import Layout
from rondo.stages.experiments import Logged, read
from rondo.testing.live_server import LiveServer, add_release, route

PEOPLE = 300
PLAN = ExperimentPlan(
    name="live",
    control=ExperimentVariant("control", "1.0.0", 0.5),
    treatments=(ExperimentVariant("treatment", "1.1.0", 0.5),),
    primary="conversion_rate",
    guardrails=(Guardrail("error_rate", 0.1), Guardrail("latency_p50", 1.0)),
    min_sample_size=100,
    duration_s=86_400.0,
    minimum_effect=0.1,
    confidence=0.95,
    power=0.8,
    truth=Truth(positive="yes", conversion="yes"),
)


def test_a_real_server_exposes_counts_and_keeps_what_the_verdict_needs(tmp_path: Path) -> None:
    state = SqlStateStore(Layout(tmp_path).state)
    for version in ("1.0.0", "1.1.0"):
        add_release(tmp_path, state, version)
    with LiveServer(tmp_path) as server:
        server.wait_for_generation(route(state, {"1.0.0": 0.5, "1.1.0": 0.5}))
        started = datetime.now(UTC)
        connection = http.client.HTTPConnection(server.host, server.port, timeout=30)

        def post(path: str, body: Any) -> Any:
            connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
            return json.loads(connection.getresponse().read())

        answers = [
            post("/predict", {"user_id": user, "age": 40.0, "plan": "pro"}) for user in range(1, PEOPLE + 1)
        ]
        converting = [
            {
                "prediction_id": answer["predictions"][0]["prediction_id"],
                # Of control one in ten, of the treatment three in four.
                "outcome": "yes" if place % 20 < (15 if answer["version"] == "1.1.0" else 2) else "no",
            }
            for place, answer in enumerate(answers)
        ]
        post("/feedback", {"items": converting})
        connection.close()
        assert server.stop() == 0
    state.close()
    log = SegmentLog(Layout(tmp_path).predictions)
    logged = Logged(log.predictions(since=started), log.outcomes(), log.figures(since=started))
    reading = read(PLAN, logged, started_at=started, now=datetime.now(UTC) + timedelta(hours=1))
    assert sum(one.exposed for one in reading.variants) == PEOPLE
    assert sum(one.known for one in reading.variants) == PEOPLE
    assert not reading.balance.mismatch
    counted = sum(one.requests for figures in logged.figures for one in figures.versions.values())
    assert counted == PEOPLE
    assert (reading.judgement, [one.state for one in reading.guardrails]) == ("ship", ["fine", "fine"])
