"""From `rondo init --template recommender` to ranked items, and what the store's own tools see."""

from __future__ import annotations

import json
import math
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
from rondo.cli.predict import predict
from rondo.cli.project import write_project
from rondo.errors import DataError
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


def test_a_file_of_customers_gets_the_lists_that_the_server_gives(shop: Assembly, tmp_path: Path) -> None:
    orders = pl.read_parquet(shop.layout.root / "shop/orders/orders.parquet")
    known = [int(one) for one in orders["customer_id"].drop_nulls().unique().sort().head(40)]
    asked = pl.DataFrame({"customer_id": [*known, 1], "k": [3] * 40 + [None], "town": ["x"] * 41})
    asked.write_csv(tmp_path / "in.csv")
    asked.write_ndjson(tmp_path / "in.jsonl")

    for source, target in (("in.csv", "out.parquet"), ("in.jsonl", "out.jsonl")):
        predict(
            shop.layout.root, tmp_path / source, tmp_path / target,
            version=None, explain=target == "out.jsonl", errors="refuse", force=False, as_json=False,
        )  # fmt: skip
    with serving(shop.layout.root) as server:
        rows = [{"customer_id": one, "k": 3} for one in known]
        _, told = poster(server)("/predict", {"rows": [*rows, {"customer_id": 1}]})

    table = pl.read_parquet(tmp_path / "out.parquet")
    assert table.columns == [*asked.columns, "rank", "item", "score", "version", "entity_known"]
    assert table.height == 40 * 3 + 10
    of_file = [part for _, part in table.group_by("customer_id", maintain_order=True)]
    for part, answer in zip(of_file, told["predictions"], strict=True):
        assert part["rank"].to_list() == list(range(1, part.height + 1))
        assert part.select("item", "score").to_dicts() == answer["items"]
        assert part["entity_known"].all() == ("fallback" not in answer)
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [line["town"] for line in lines] == ["x"] * 41
    assert [[{"item": one["item"], "score": one["score"]} for one in line["items"]] for line in lines] == [
        answer["items"] for answer in told["predictions"]
    ]
    for one in lines[0]["items"]:
        assert one["scale"] == "log-odds"
        total = one["base"] + sum(one["contributions"].values())
        assert 1.0 / (1.0 + math.exp(-total)) == pytest.approx(one["score"], abs=1e-5)


def test_customers_that_nobody_can_be_are_named_or_kept(shop: Assembly, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("customer_id,k\n1,2\nx,2\n1,0\n")
    kept = {"version": None, "explain": False, "force": False, "as_json": False}
    with pytest.raises(
        DataError, match=r"(?s)2 of 3 rows read cannot be scored.*line 3.*whole number.*line 4.*from 1 to"
    ):
        predict(shop.layout.root, tmp_path / "in.csv", tmp_path / "out.csv", errors="refuse", **kept)
    assert not (tmp_path / "out.csv").exists()
    predict(shop.layout.root, tmp_path / "in.csv", tmp_path / "out.csv", errors="keep", **kept)
    table = pl.read_csv(tmp_path / "out.csv")
    assert table["customer_id"].to_list() == ["1", "1", "x", "1"]
    assert table["error"].is_null().to_list() == [True, True, False, False]
    assert table["item"].is_null().to_list() == [False, False, True, True]


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
