"""Words of the project file become the adapters that they name."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from rondo.adapters.feast.redis_rows import RedisOnlineValues
from rondo.adapters.feast.rows import EmbeddedOnlineValues
from rondo.assembly import Assembly, open_project
from rondo.errors import ContractError
from rondo.testing.servers import PostgresServer, RedisServer
from rondo.testing.state import promote

FILE = """
project: team-churn
ml_problem: {{type: binary_classification, target: y, entity: user_id, baseline: 0.5}}
data: {{sources: {{a: {{files: a.csv}}}}}}
features: {{store: {{online: "{online}"}}}}
stores: {{state: "{state}", artifacts: "{artifacts}"}}
"""


def opened(folder: Path, *, env: str = "", **words: str) -> Assembly:
    told = {"online": "sqlite", "state": "sqlite", "artifacts": "./mlartifacts", **words}
    (folder / "rondo.yaml").write_text(FILE.format(**told))
    (folder / ".env").write_text(env)
    return open_project(folder)


def test_the_state_lives_where_the_variable_says(tmp_path: Path, postgres: PostgresServer) -> None:
    first = opened(tmp_path, state="${STATE_URL}", env=f"STATE_URL={postgres.url}\n")
    with closing(first.state) as state:
        promote(state, "1.0.0")
    assert not first.layout.state.exists()
    again = opened(tmp_path, state="env:STATE_URL", env=f"STATE_URL={postgres.url}\n")
    with closing(again.state) as state:
        assert [release.version for release in state.releases()] == ["1.0.0"]
    assert postgres.run("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'rondo%'") == "rondo_team-churn"


def test_online_values_live_where_the_variable_says(tmp_path: Path, redis_server: RedisServer) -> None:
    project = opened(tmp_path, online="${REDIS_URL}", env=f"REDIS_URL={redis_server.url}\n")
    with closing(project.online) as online:
        assert isinstance(online, RedisOnlineValues)
        assert online.read(["v"], ["a"]) == [None]
    assert isinstance(opened(tmp_path).online, EmbeddedOnlineValues)


def test_artefacts_live_where_the_variable_says(tmp_path: Path) -> None:
    project = opened(tmp_path, artifacts="${ARTIFACTS}", env="ARTIFACTS=s3://bucket/prefix\n")
    assert project._artifacts == "s3://bucket/prefix"
    assert opened(tmp_path)._artifacts == tmp_path / "mlartifacts"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"state": "postgres"}, "stores.state is 'postgres'"),
        ({"state": "${STATE_URL}"}, "STATE_URL is not set"),
        ({"state": "mysql://me:s3cret@host/db"}, "no state store speaks 'mysql'"),
        ({"online": "${REDIS_URL}"}, "REDIS_URL is not set"),
        ({"online": "memcached://me:s3cret@host"}, "is no online store"),
    ],
)
def test_a_word_that_names_nothing_is_refused_without_secrets(
    tmp_path: Path, words: dict[str, str], told: str
) -> None:
    def open_stores() -> None:
        project = opened(tmp_path, **words)
        _ = project.state, project.online

    with pytest.raises(ContractError, match=told) as refused:
        open_stores()
    assert "s3cret" not in str(refused.value)
