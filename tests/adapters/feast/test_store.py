"""The feature store over Feast: its promises, and that Feast itself reads and writes the same rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rondo.adapters.feast.places import EmbeddedPlace
from rondo.adapters.feast.repository import definitions_text, field_type, store_text
from rondo.adapters.feast.rows import EmbeddedOnlineValues
from rondo.adapters.feast.store import FeastFeatureStore
from rondo.testing.feature_store import AS_OF, VIEWS, FeatureStoreTests, a_history, a_plan

pytestmark = [
    # Feast and what it imports warn about themselves.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


class TestPromises(FeatureStoreTests):
    @pytest.fixture
    def store(self, tmp_path: Path) -> FeastFeatureStore:
        return FeastFeatureStore(tmp_path / "feature_repo", tmp_path / ".rondo" / "online.db", "small-shop")


def test_the_repository_names_places_relative_to_itself(tmp_path: Path) -> None:
    place = EmbeddedPlace(tmp_path / ".rondo" / "online.db")
    text = store_text("small-shop", place.settings(tmp_path / "feature_repo"))
    assert "project: small_shop\n" in text
    assert "  path: ../.rondo/online.db\n" in text
    assert str(tmp_path) not in text


def test_the_definitions_are_python_and_quote_every_name() -> None:
    types = {name: field_type(dtype) for name, dtype in a_history().schema.items()}
    text = definitions_text("x", a_plan(ttl_s=60.0), types)
    compile(text, "definitions.py", "exec")
    assert "Field(name='visits', dtype=Int64)" in text
    assert "Field(name='signup', dtype=String)" in text
    assert "timedelta(seconds=60.0)" in text
    assert "view_0[['spent', 'visits']]" in text
    assert "view_1[['vip', 'country']]" in text


# One process for all of it: importing Feast is most of the time.
_FEAST = """
import contextlib, io, json
import pandas as pd
from feast import FeatureStore
from feast.cli.cli import cli

told = io.StringIO()
with contextlib.redirect_stdout(told):
    cli(["apply"], standalone_mode=False)
    cli(["materialize", "2023-01-01T00:00:00", "2024-03-01T00:00:00"], standalone_mode=False)
    cli(["feature-views", "list"], standalone_mode=False)
store = FeatureStore(repo_path=".")
rows = [{"user_id": key} for key in (1, 2, 3, 4)]
fields = ["user_features:spent", "user_features:visits"]
fields += ["user_inputs:vip", "user_inputs:country", "user_inputs:signup"]
moments = pd.to_datetime(["2024-03-01", "2020-01-01", "2024-01-05", "2024-03-01", "2024-03-01"], utc=True)
asked = pd.DataFrame({"user_id": [2, 1, 1, 1, 77], "event_timestamp": moments, "label": [0, 1, 0, 1, 0]})
past = store.get_historical_features(entity_df=asked, features=fields[:4]).to_df()
columns, past = list(past.columns), past[["user_id", "label", "spent", "country"]]
every = store.get_historical_features(
    features=fields[:1], start_date=moments[1], end_date=moments[2]
).to_df()[["user_id", "spent"]]
store.write_to_offline_store("user_features", pd.DataFrame({
    "user_id": [1], "event_timestamp": moments[:1], "created_timestamp": moments[:1],
    "spent": [9.0], "visits": [9],
}))
later = asked.head(1).assign(user_id=1)
service = store.get_feature_service("project_model")
print(json.dumps({
    "cli": told.getvalue(),
    "online": store.get_online_features(features=fields, entity_rows=rows).to_dict(),
    "service": sorted(store.get_online_features(features=service, entity_rows=rows).to_dict()),
    "past": json.loads(past.to_json(orient="records")),
    "columns": columns,
    "every": json.loads(every.sort_values("user_id").to_json(orient="values")),
    "later": store.get_historical_features(entity_df=later, features=fields[:1]).to_df()["spent"].tolist(),
}))
"""


@pytest.mark.timeout(600)
def test_feast_itself_writes_and_reads_the_same_rows(tmp_path: Path) -> None:
    repo, online = tmp_path / "feature_repo", tmp_path / ".rondo" / "online.db"
    a_history().write_parquet(tmp_path / "history.parquet")
    FeastFeatureStore(repo, online, "small-shop").publish(a_plan(), tmp_path / "history.parquet", AS_OF)
    ours = _read(online)
    for file in (*online.parent.glob("online.db*"), repo / "data" / "registry.db"):
        file.unlink()
    told = json.loads(_run(repo, sys.executable, "-c", _FEAST).splitlines()[-1])
    assert _read(online) == ours
    assert all(view in told["cli"] for view in VIEWS)
    for place, row in enumerate(ours):
        for name in ("spent", "visits", "vip", "country", "signup"):
            assert told["online"][name][place] == (None if row is None else row[name])
    assert told["service"] == ["country", "spent", "user_id", "vip", "visits"]
    # Every asked row in its order, also those of which nothing is known yet.
    assert told["past"] == [
        {"user_id": 2, "label": 0, "spent": 2.5, "country": "FR"},
        {"user_id": 1, "label": 1, "spent": None, "country": None},
        {"user_id": 1, "label": 0, "spent": 1.0, "country": "DE"},
        {"user_id": 1, "label": 1, "spent": 0.1, "country": None},
        {"user_id": 77, "label": 0, "spent": None, "country": None},
    ]
    assert told["columns"] == ["user_id", "event_timestamp", "label", "spent", "visits", "vip", "country"]
    assert told["every"] == [[1, 1.0], [2, 0.0], [3, None]]
    assert told["later"] == [9.0]


def test_feast_is_asked_only_when_the_definitions_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def counted(repo: Path) -> None:
        asked.append(repo)
        (repo / "data" / "registry.db").touch()

    monkeypatch.setattr("rondo.adapters.feast.store.feast_apply", counted)
    a_history().write_parquet(tmp_path / "history.parquet")
    store = FeastFeatureStore(tmp_path / "feature_repo", tmp_path / "online.db", "x")
    for plan in (a_plan(), a_plan(), a_plan(ttl_s=1e9), a_plan(ttl_s=1e9)):
        store.publish(plan, tmp_path / "history.parquet", AS_OF)
    assert len(asked) == 2
    (tmp_path / "feature_repo" / "data" / "registry.db").unlink()
    store.publish(a_plan(ttl_s=1e9), tmp_path / "history.parquet", AS_OF)
    assert len(asked) == 3


def _read(path: Path) -> list[dict[str, object] | None]:
    values = EmbeddedOnlineValues(path)
    try:
        return values.read(VIEWS, [1, 2, 3, 4])
    finally:
        values.close()


def _run(folder: Path, *command: str) -> str:
    env = {**os.environ, "FEAST_USAGE": "False"}
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
