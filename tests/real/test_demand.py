"""Tomorrow's demand of a real shop's products, against the same weekday of last week."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from rondo.assembly import Assembly, open_project
from rondo.lifecycle.going_round import go_round
from rondo.lifecycle.running import Selection
from rondo.records.candidate import Origin, TrainingResult
from rondo.records.features import NAIVE, FeatureTable
from rondo.records.files import read_record
from rondo.records.verdict import Verdict

HERE = Path(__file__).parent
pytestmark = pytest.mark.real_data


def shop(folder: Path, data: Path, *, products: int | None = None, trees: int = 150) -> Assembly:
    """The retail demand project, of all products or of those that are ordered on the most days."""
    lines = data / "online_retail.parquet"
    if products is not None:
        table = pl.scan_parquet(lines).filter(pl.col("Quantity") > 0)
        days = table.group_by("StockCode").agg(pl.col("InvoiceDate").dt.date().n_unique().alias("days"))
        busiest = days.sort("days", "StockCode", descending=True).head(products)
        lines = folder / "lines.parquet"
        pl.scan_parquet(data / "online_retail.parquet").join(
            busiest, on="StockCode", how="semi"
        ).sink_parquet(lines)
    text = (HERE / "demand.yaml").read_text().replace("n_estimators: 150", f"n_estimators: {trees}")
    text = text.replace("min_rows: 300000", "min_rows: 50000")
    (folder / "rondo.yaml").write_text(text)
    (folder / ".env").write_text(f"RETAIL_PARQUET={lines}\n")
    return open_project(folder)


def told(origin: Origin) -> str:
    model, naive = origin.model["mase"], origin.naive["mase"]
    return (
        f"{origin.at:%Y-%m-%d} to {origin.until:%Y-%m-%d}: mase {model.value:.4f}, seasonal naive "
        f"{naive.value:.4f}, n = {model.n:,}, learned from {origin.learned:,}"
    )


def beats_seasonal_naive(project: Assembly) -> None:
    went = go_round(project, Selection(), by="test")
    result = read_record(project.layout.training / "result.json", TrainingResult)
    print("\n".join(told(origin) for origin in result.origins))  # noqa: T201
    assert not went.refused, went.release
    for origin in result.origins:
        model, naive = origin.model["mase"].value, origin.naive["mase"].value
        assert model is not None
        assert naive is not None
        assert model < naive, told(origin)
    verdict = read_record(project.layout.validation / "verdict.json", Verdict)
    gate = next(gate for gate in verdict.gates if gate.name == "mase against seasonal naive")
    print(f"gain {gate.found:.4f} [{gate.low:.4f}, {gate.high:.4f}], {gate.evidence}")  # noqa: T201
    assert gate.status == "passed"
    assert gate.low is not None
    assert gate.low > 0
    page = (project.layout.reports / "evaluation.html").read_text()
    assert "Rolling origins" in page
    assert "seasonal naive" in page
    table = read_record(project.layout.features / "table.json", FeatureTable)
    assert table.parity is not None
    assert table.parity.mismatches == 0


def nothing_learned_from_its_future(project: Assembly) -> None:
    """The origins do not overlap, and closed days are no examples."""
    origins = pl.read_parquet(project.layout.training / "origins.parquet")
    matrix = pl.read_parquet(project.layout.features / "matrix.parquet")
    for number, learned in enumerate(
        read_record(project.layout.training / "result.json", TrainingResult).origins, 1
    ):
        first = origins.filter(pl.col("origin") == number)["at"].min()
        assert isinstance(first, datetime)
        assert learned.learned <= matrix.filter(pl.col("InvoiceDate") < first).height
    assert origins["row"].is_unique().all()
    assert 6 not in matrix["InvoiceDate"].dt.weekday().unique().to_list()
    codes = matrix["StockCode"].unique()
    assert codes.str.len_chars().min() == 5
    assert np.isfinite(matrix[NAIVE].to_numpy()).all()


def test_the_busiest_products_beat_seasonal_naive_at_every_origin(tmp_path: Path, real_data: Path) -> None:
    project = shop(tmp_path, real_data, products=100, trees=60)
    beats_seasonal_naive(project)
    nothing_learned_from_its_future(project)


@pytest.mark.long
def test_every_product_with_history_beats_seasonal_naive_at_every_origin(
    tmp_path: Path, real_data: Path
) -> None:
    project = shop(tmp_path, real_data)
    beats_seasonal_naive(project)
    nothing_learned_from_its_future(project)
