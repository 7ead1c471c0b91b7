"""From `rondo init --template recommender` to ranked items, and what the store's own tools see."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import polars as pl
import pytest

from rondo.assembly import Assembly, open_project
from rondo.cli.project import write_project
from rondo.lifecycle.going_round import go_round
from rondo.lifecycle.running import Selection
from rondo.lifecycle.server_process import serving
from rondo.records.files import read_record
from rondo.records.verdict import Verdict
from rondo.shop.orders import OrdersSpec, prepare_practice_orders

Post = Callable[[str, dict[str, Any]], tuple[int, dict[str, Any]]]


def gone_round(folder: Path, spec: OrdersSpec, *changes: tuple[str, str]) -> Assembly:
    write_project(folder, "recommender")
    prepare_practice_orders(folder, spec)
    file = folder / "rondo.yaml"
    text = file.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)
    project = open_project(folder)
    went = go_round(project, Selection(), by="test")
    assert not went.refused, went.release
    return project


def poster(server: Any) -> Post:
    def post(path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        request = Request(
            f"http://{server.host}:{server.port}{path}",
            json.dumps(body).encode(),
            {"content-type": "application/json"},
        )
        try:
            with urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except HTTPError as refused:
            return refused.code, json.load(refused)

    return post


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """A smaller shop than the template's, gone round once."""
    return gone_round(
        tmp_path_factory.mktemp("recommender"),
        OrdersSpec(customers=200, products=80, kinds=6, days=200),
        ("min_rows: 10000", "min_rows: 1000"),
        ("latest: 14", "latest: 8"),
        ("n_estimators: 100", "n_estimators: 40"),
        ("tuning: {trials: 3, cv: 2}", "tuning: {trials: 1, cv: 2}"),
        ("bootstrap: 200", "bootstrap: 60"),
        ("{popular: 60, own: 40, together: 40", "{popular: 30, own: 20, together: 20"),
    )


def test_a_customer_gets_ranked_items_and_a_stranger_the_popular_ones(shop: Assembly) -> None:
    known = int(pl.read_parquet(shop.layout.root / "shop/orders/orders.parquet")["customer_id"][0])
    with serving(shop.layout.root) as server:
        post = poster(server)
        status, told = post("/predict", {"customer_id": known, "k": 5})
        assert status == 200
        (answer,) = told["predictions"]
        scores = [one["score"] for one in answer["items"]]
        assert len(scores) == 5
        assert scores == sorted(scores, reverse=True)
        assert len({one["item"] for one in answer["items"]}) == 5
        assert "fallback" not in answer

        _, told = post("/predict", {"rows": [{"customer_id": 1}, {"customer_id": known, "k": 3}]})
        stranger, again = told["predictions"]
        assert (stranger["entity_known"], stranger["fallback"]) == (False, "popular")
        assert len(stranger["items"]) == 10
        assert again["items"] == answer["items"][:3]

        listed = {"prediction_id": answer["prediction_id"], "item": answer["items"][1]["item"]}
        assert post("/feedback", listed)[0] == 202
        assert post("/feedback", {"prediction_id": stranger["prediction_id"], "item": None})[0] == 202

        for wrong in ({}, {"customer_id": "x"}, {"customer_id": known, "k": 0}, {"customer_id": 1, "age": 3}):
            assert post("/predict", wrong)[0] == 422, wrong
        description = json.load(urlopen(f"http://{server.host}:{server.port}/openapi.json", timeout=10))
        assert set(description["components"]["schemas"]["Row"]["properties"]) >= {"customer_id", "k"}
    logged = shop.log.predictions()
    mine = logged.filter(pl.col("prediction_id").str.starts_with(answer["prediction_id"] + ":"))
    assert set(mine["label"]) == {one["item"] for one in answer["items"]}
    assert shop.log.outcomes().height == 2


def test_the_gates_compare_with_the_popular_items(shop: Assembly) -> None:
    verdict = read_record(shop.layout.validation / "verdict.json", Verdict)
    gain = next(gate for gate in verdict.gates if gate.name == "ndcg@20 against popular items")
    assert gain.status == "passed"
    assert "owners, whom the interval resamples" in gain.evidence
    page = (shop.layout.reports / "evaluation.html").read_text()
    for told in ("own items first", "customer_kind", "item_kind", "wanted items"):
        assert told in page


@pytest.mark.long
def test_feast_lists_a_view_per_key(shop: Assembly) -> None:
    command = [str(Path(sys.executable).with_name("feast")), "feature-views", "list"]
    repo = shop.layout.root / "feature_repo"
    done = subprocess.run(command, cwd=repo, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    for view, entity in (
        ("customer_features", "customer_id"),
        ("product_features", "product"),
        ("customer_product_features", "customer_id__product"),
        ("popular_candidates", "everybody"),
    ):
        assert any(view in line and entity in line for line in done.stdout.splitlines()), done.stdout


@pytest.mark.long
def test_the_template_goes_round_as_it_is(tmp_path: Path) -> None:
    project = gone_round(tmp_path / "fresh", OrdersSpec())
    release = project.state.production()
    assert release is not None
    assert release.version == "1.0.0"
