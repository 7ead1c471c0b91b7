"""What a real shop's customers buy in the last two weeks, from order lines and the project file alone."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from rondo.assembly import Assembly, open_project
from rondo.lifecycle.going_round import go_round
from rondo.lifecycle.running import Selection
from rondo.lifecycle.server_process import serving
from rondo.records.candidate import TrainingResult
from rondo.records.features import FeatureTable
from rondo.records.files import read_record
from rondo.records.verdict import Gate, Verdict

HERE = Path(__file__).parent
pytestmark = pytest.mark.real_data


def gone_round(folder: Path, real_data: Path, **changes: str) -> tuple[Assembly, Verdict]:
    text = (HERE / "recommender.yaml").read_text()
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    (folder / "rondo.yaml").write_text(text)
    (folder / ".env").write_text(f"RETAIL_PARQUET={real_data / 'online_retail.parquet'}\n")
    project = open_project(folder)
    went = go_round(project, Selection(), by="test")
    assert not went.refused, went.release
    return project, read_record(project.layout.validation / "verdict.json", Verdict)


def gate(verdict: Verdict, name: str) -> Gate:
    return next(each for each in verdict.gates if each.name == name)


def check_uplift(project: Assembly, verdict: Verdict) -> None:
    result = read_record(project.layout.training / "result.json", TrainingResult)
    ndcg, gain = result.best.test["ndcg@20"], gate(verdict, "ndcg@20 against popular items")
    print(  # noqa: T201
        f"retail: ndcg@20 {ndcg.value:.4f} [{ndcg.low:.4f}, {ndcg.high:.4f}], n = {ndcg.n} lists; "
        f"gain {gain.found:+.0%} [{gain.low:+.0%}, {gain.high:+.0%}]; {gain.evidence}"
    )
    assert result.split.test_from is not None
    assert f"{result.split.test_from:%Y-%m-%d}" == "2011-11-25"
    assert gain.status == "passed"
    assert gain.low is not None
    assert gain.low >= 0.25
    parity = read_record(project.layout.features / "table.json", FeatureTable).parity
    assert parity is not None
    assert parity.values > 0
    assert parity.mismatches == 0


def check_answers(project: Assembly) -> None:
    with serving(project.layout.root) as server:

        def ask(body: dict[str, object]) -> dict[str, object]:
            data = json.dumps(body).encode()
            request = Request(
                f"http://{server.host}:{server.port}/predict", data, {"content-type": "application/json"}
            )
            with urlopen(request, timeout=10) as answer:
                found: dict[str, object] = json.load(answer)["predictions"][0]
                return found

        known, unknown = ask({"CustomerID": 17850, "k": 5}), ask({"CustomerID": 1})
    items = known["items"]
    assert isinstance(items, list)
    assert len(items) == 5
    assert [one["score"] for one in items] == sorted((one["score"] for one in items), reverse=True)
    assert (unknown["entity_known"], unknown["fallback"]) == (False, "popular")


def test_a_fifth_of_the_customers_beats_the_popular_items(tmp_path: Path, real_data: Path) -> None:
    project, verdict = gone_round(
        tmp_path,
        real_data,
        rows=("Quantity > 0 AND", "Quantity > 0 AND MOD(CustomerID, 5) = 0 AND"),
        moments=("latest: 10", "latest: 6"),
        trees=("n_estimators: 200, learning_rate: 0.05", "n_estimators: 40, learning_rate: 0.15"),
        draws=("bootstrap: 200", "bootstrap: 60"),
    )
    check_uplift(project, verdict)
    check_answers(project)


@pytest.mark.long
def test_the_last_two_weeks_from_541909_lines(tmp_path: Path, real_data: Path) -> None:
    project, verdict = gone_round(tmp_path, real_data)
    check_uplift(project, verdict)
    evaluation = json.loads((project.layout.validation / "evaluation.json").read_text())
    for one in evaluation["slices"]:
        print(f"  {one['column']} {one['value']}: {one['measured']['value']}, n = {one['n']}")  # noqa: T201
    told = {(one["column"], one["value"]): one["n"] for one in evaluation["slices"]}
    assert told[("customer_kind", "new")] >= 50
    assert told[("item_kind", "new")] >= 50
