"""`rondo init --template demand` goes round from its own folder, and answers with tomorrow's demand."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from rondo.records.candidate import TrainingResult
from rondo.records.files import read_record
from rondo.records.verdict import Verdict

ENOUGH_S = 120


def rondo(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rondo.cli", *arguments],
        cwd=folder, capture_output=True, text=True, check=False, timeout=ENOUGH_S,
    )  # fmt: skip


def post(connection: http.client.HTTPConnection, body: Any) -> tuple[int, Any]:
    connection.request("POST", "/predict", json.dumps(body), {"content-type": "application/json"})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


@pytest.mark.long
def test_a_fresh_project_is_forecast_released_and_asked(tmp_path: Path) -> None:
    assert rondo("init", ".", "--template", "demand", folder=tmp_path).returncode == 0
    started = perf_counter()
    ran = rondo("run", folder=tmp_path)
    assert ran.returncode == 0, ran.stderr
    print(f"rondo run: {perf_counter() - started:.1f} s")  # noqa: T201

    verdict = read_record(tmp_path / "build/validation/verdict.json", Verdict)
    assert verdict.judgement == "ship"
    gates = {gate.name: gate for gate in verdict.gates}
    assert gates["mase against seasonal naive"].status == "passed"
    assert gates["latency"].asked == "< 50ms"
    result = read_record(tmp_path / "build/training/result.json", TrainingResult)
    assert len(result.origins) == 5
    for origin in result.origins:
        assert (origin.model["mase"].value or 9) < (origin.naive["mase"].value or 0)
    assert "Rolling origins" in (tmp_path / "reports/evaluation.html").read_text()

    server = subprocess.Popen(
        [sys.executable, "-m", "rondo.cli", "serve", "--port", "0"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        assert server.stdout is not None
        told = server.stdout.readline()
        port = int(told.split("127.0.0.1:")[1].split()[0].rstrip("/."))
        times = []
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=ENOUGH_S)) as connection:
            for number in range(300):
                asked = perf_counter()
                status, answer = post(connection, {"product_id": 1 + number % 60})
                times.append(perf_counter() - asked)
                assert status == 200, answer
                assert answer["predictions"][0]["score"] >= 0
        p99 = sorted(times)[int(0.99 * len(times))]
        print(f"p99 of 300 requests: {1000 * p99:.1f} ms")  # noqa: T201
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=30)
