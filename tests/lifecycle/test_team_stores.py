"""A project whose every store is a server of the team: it goes round, serves, loses a store, and goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rondo.lifecycle.server_process import RunningServer, serving
from rondo.records.layout import Layout
from rondo.testing import servers

pytestmark = pytest.mark.long  # a whole round, and a process for every command

PROJECT = """
project: team-churn
ml_problem: {type: binary_classification, target: is_churned, entity: user_id, event_time: at, baseline: 0.5}
success_criteria: {offline_metrics: {auc_roc: {min: 0.55}}}
data:
  sources:
    visits: {sql: "${WAREHOUSE_URL}", query: "SELECT * FROM visits WHERE at > ?", params: ["2024-01-01"]}
    plans: {files: "s3://SHOP/events/{date_partition}/*.parquet", params: {date_partition: "2026-01-01"}}
  join: [{base: visits}, {with: plans, on: user_id, how: left}]
features:
  definitions:
    minutes: {column: minutes}
    minutes_30d: {rolling: mean, of: minutes, window: 90d}
  categorical: {columns: [plan]}
  store: {online: "${REDIS_URL}"}
training:
  split: {by: time, gap: 0d}
  candidates: [{estimator: sklearn.linear_model.LogisticRegression, params: {max_iter: 200}}]
  tuning: {trials: 1, cv: 2}
validation: {bootstrap: 50}
deployment: {preflight: {duration: 0s}}
stores: {state: "${STATE_URL}", artifacts: "${ARTIFACTS}"}
"""


@dataclass(frozen=True)
class Team:
    """The project's folder and its servers."""

    folder: Path
    postgres: servers.PostgresServer
    redis: servers.RedisServer
    env: dict[str, str]

    def rondo(self, *words: str, code: int = 0) -> str:
        """What the command says."""
        done = subprocess.run(
            [sys.executable, "-m", "rondo.cli", *words],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        for secret in (self.postgres.password, self.redis.password, "secret-of-the-tests"):
            assert secret not in done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def team(
    tmp_path_factory: pytest.TempPathFactory,
    postgres_server: servers.PostgresServer,
    s3_server: servers.S3Server,
) -> Iterator[Team]:
    """After its first round: version 1.0.0 is in production."""
    folder = tmp_path_factory.mktemp("team")
    warehouse, state = postgres_server.another("team_warehouse"), postgres_server.another("team_state")
    with psycopg.connect(warehouse.url) as connection:
        connection.execute(
            "CREATE TABLE visits AS SELECT u AS user_id, '2024-01-15'::timestamptz + m * interval '30 days' AS at,"
            " (100 * random() * (1 + u % 3))::numeric(10,2) AS minutes, 0 AS is_churned"
            " FROM generate_series(1, 150) AS u, generate_series(1, 8) AS m"
        )
        connection.execute("UPDATE visits SET is_churned = (minutes + 40 * random() < 90)::int")
    bucket = s3_server.bucket("team-shop")
    monkeypatch = pytest.MonkeyPatch()
    for name, value in {**s3_server.environment, "AWS_ALLOW_HTTP": "true"}.items():
        monkeypatch.setenv(name, value)
    import polars as pl

    plans = pl.DataFrame({"user_id": range(1, 151), "plan": ["basic", "pro", "team"] * 50})
    plans.write_parquet(f"{bucket}/events/2026-01-01/part-0.parquet")
    (folder / "rondo.yaml").write_text(PROJECT.replace("s3://SHOP", bucket))
    with servers.redis() as redis:
        # What is this machine's alone stands in `.env`; the keys of S3 come from the environment.
        values = {
            "WAREHOUSE_URL": warehouse.url,
            "STATE_URL": state.url,
            "REDIS_URL": redis.url,
            "ARTIFACTS": f"{bucket}/artifacts",
        }
        (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in values.items()))
        made = Team(folder, state, redis, dict(os.environ))
        told = made.rondo("run")
        assert "1.0.0" in told
        yield made
    monkeypatch.undo()


def ask(server: RunningServer, row: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Status and answer of one prediction."""
    request = urllib.request.Request(
        f"http://{server.host}:{server.port}/predict",
        data=json.dumps(row).encode(),
        headers={"content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_the_state_is_in_the_database_and_the_commands_read_it(team: Team) -> None:
    assert not Layout(team.folder).state.exists()
    assert "1.0.0" in team.rondo("models")
    assert "1.0.0" in team.rondo("status")
    assert (
        team.postgres.run("SELECT count(*) FROM \"rondo_team-churn\".releases WHERE stage = 'Production'")
        == "1"
    )


def test_it_serves_by_entity_and_says_503_while_the_online_store_is_away(team: Team) -> None:
    assert not Layout(team.folder).online.exists()
    with serving(team.folder) as server:
        status, answer = ask(server, {"user_id": 7})
        assert (status, answer.get("version")) == (200, "1.0.0"), answer
        team.redis.stop()
        status, answer = ask(server, {"user_id": 7})
        assert status == 503
        assert answer["detail"] == "the feature store does not answer"
        assert team.redis.password not in json.dumps(answer)
    with serving(team.folder) as server:  # it starts without Redis, and answers who brings everything
        assert ask(server, {"user_id": 7})[0] == 503
        status, answer = ask(server, {"minutes": 10.0, "minutes_30d": 12.0, "plan": "pro"})
        assert status == 200, answer
        team.redis.start()
        team.rondo("run", "--force", "features")
        for _ in range(200):
            status, answer = ask(server, {"user_id": 7})
            if status == 200:
                break
        assert status == 200, answer


def test_it_answers_with_its_last_routes_while_the_database_is_away(team: Team) -> None:
    with servers.postgres() as other:
        env = Path(team.folder / ".env").read_text()
        (team.folder / ".env").write_text(env.replace(team.postgres.url, other.url))
        # The same releases in a database that may be stopped.
        dump = subprocess.run(
            [str(other.bin / "pg_dump"), team.postgres.url], capture_output=True, text=True, check=True
        )
        subprocess.run(
            [str(other.bin / "psql"), "-q", other.url],
            input=dump.stdout,
            text=True,
            check=True,
            capture_output=True,
        )
        try:
            with serving(team.folder) as server:
                assert ask(server, {"user_id": 7})[0] == 200
                other.stop(crash=True)
                assert {ask(server, {"user_id": 7})[0] for _ in range(20)} == {200}
                assert "did not answer" in team.rondo("models", code=5)
                other.start()
                assert ask(server, {"user_id": 7})[0] == 200
                assert "1.0.0" in team.rondo("models")
        finally:
            (team.folder / ".env").write_text(env)


def test_the_artefacts_lie_in_the_bucket_alone(team: Team) -> None:
    import boto3

    client = boto3.client("s3")
    found = [item["Key"] for item in client.list_objects_v2(Bucket="team-shop")["Contents"]]
    client.close()
    assert any(key.endswith("release/bundle/manifest.json") for key in found)
    assert not (team.folder / "mlartifacts").exists()
