"""From one CSV file to a served, gated model; and what DVC says of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import polars as pl
import pytest

from rondo.assembly import Assembly, open_project
from rondo.lifecycle.going_round import go_round
from rondo.lifecycle.running import Selection
from rondo.lifecycle.server_process import serving
from rondo.records.candidate import TrainingResult
from rondo.records.files import read_record

HERE = Path(__file__).parent
pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def telco(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    data = HERE.parents[2] / "shared" / "data"
    if not data.is_dir():
        pytest.skip(f"there is no real data at {data}")
    folder = tmp_path_factory.mktemp("telco")
    shutil.copy(HERE / "telco.yaml", folder / "rondo.yaml")
    (folder / ".env").write_text(f"TELCO_CSV={data / 'telco_churn.csv'}\n")
    project = open_project(folder)
    went = go_round(project, Selection(), by="test")
    assert not went.refused, went.release
    return project


def test_the_gated_model_reaches_the_figure(telco: Assembly) -> None:
    result = read_record(telco.layout.training / "result.json", TrainingResult)
    auc = result.best.test["auc_roc"]
    print(f"telco: {result.best.name} test AUC {auc.value:.4f} [{auc.low:.4f}, {auc.high:.4f}], n = {auc.n}")  # noqa: T201
    assert auc.value is not None
    assert auc.value >= 0.83
    production = telco.state.production()
    assert production is not None
    assert (production.version, production.stage) == ("1.0.0", "Production")


def test_it_answers_with_the_features_of_a_customer(telco: Assembly) -> None:
    customers = pl.read_csv(telco.resolve("${TELCO_CSV}"), null_values=[" "])
    wanted = read_record(telco.layout.bundle / "manifest.json", dict)
    named = json.loads((telco.layout.features / "plan.json").read_text())
    inputs = {one["name"] for one in named["inputs"]}
    row = {name: value for name, value in customers.row(1, named=True).items() if name in inputs}
    with serving(telco.layout.root) as server:
        request = Request(
            f"http://{server.host}:{server.port}/predict",
            json.dumps(row).encode(),
            {"content-type": "application/json"},
        )
        with urlopen(request, timeout=10) as answer:
            said = json.load(answer)
    assert said["version"] == wanted["version"] == "1.0.0"
    assert 0 <= said["predictions"][0]["score"] <= 1
    assert said["predictions"][0]["prediction_id"]


def test_run_and_dvc_agree_in_both_directions(telco: Assembly) -> None:
    folder = telco.layout.root

    def dvc(*words: str) -> str:
        env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        done = subprocess.run(
            [sys.executable, "-m", "dvc", *words],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def again() -> list[str]:
        return [
            done.name for done in go_round(open_project(folder), Selection(), by="test").stages if done.ran
        ]

    assert again() == []
    assert "up to date" in dvc("status")
    file = folder / "rondo.yaml"
    file.write_text(file.read_text().replace("slices: [Contract]", "slices: [Contract, gender]"))
    assert "Running stage 'validation'" in dvc("repro")
    assert again() == []
