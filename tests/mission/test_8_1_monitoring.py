"""8.1: every figure of the listing is measured on what a real server answered, or says why it is not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from mission import churn as practice
from mission.document import listing
from rondo.assembly import Assembly, open_project
from rondo.lifecycle.server_process import serving
from rondo.lifecycle.watching import Seen, look

FEATURES = ("usage_minutes", "session_count", "age", "ticket_count", "country")


def post(url: str, body: Any) -> Any:
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=30) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def seen(churn: Assembly, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """The look of the monitor after 600 answers, half of which got their outcome."""
    folder: Path = tmp_path_factory.mktemp("monitored") / "churn"
    shutil.copytree(churn.layout.root, folder)
    rows = practice.table(customers=600, months=1, seed=11).to_dicts()
    with serving(folder) as server:
        url = f"http://{server.host}:{server.port}"
        asked = [{name: row[name] for name in FEATURES} for row in rows]
        answers = [
            one
            for start in range(0, 600, 20)
            for one in post(f"{url}/predict", {"rows": asked[start : start + 20]})["predictions"]
        ]
        outcomes = [
            {"prediction_id": answer["prediction_id"], "outcome": row["is_churned"]}
            for answer, row in zip(answers[:300], rows, strict=False)
        ]
        post(f"{url}/feedback", {"items": outcomes})
    return look(open_project(folder))


def test_every_figure_of_the_listing_is_observed(seen: Seen) -> None:
    config = listing("8.1").values()["monitoring_config"]
    wanted = {name for section in config.values() for name in section}
    found = {one.metric for one in seen.observations}
    assert wanted <= found
    for one in seen.observations:
        section = next((section for section in config.values() if one.metric in section), None)
        if section is not None and one.threshold is not None:
            assert (one.threshold, one.alert_on) == (
                section[one.metric]["threshold"],
                section[one.metric]["alert_on"],
            )


def test_performance_comes_from_outcomes_with_its_sample(seen: Seen) -> None:
    (accuracy,) = (one for one in seen.observations if one.metric == "accuracy")
    assert accuracy.n == 300
    assert accuracy.state == "fine"
    assert accuracy.value is not None
    assert accuracy.value > 0.85
    assert "300 of 600" in accuracy.note


def test_drift_is_told_per_feature_beside_what_chance_gives(seen: Seen) -> None:
    for metric in ("psi", "ks_statistic"):
        found = {one.feature: one for one in seen.observations if one.metric == metric and one.feature}
        assert {"usage_minutes", "age"} <= found.keys()
        for one in found.values():
            assert one.n == 600
            assert one.chance is not None
            assert one.chance > 0
    assert "country" in {one.feature for one in seen.observations if one.metric == "psi"}


def test_a_figure_without_its_device_is_not_available_and_never_zero(seen: Seen) -> None:
    (gpu,) = (one for one in seen.observations if one.metric == "gpu_utilization")
    if gpu.state == "not_available":
        assert gpu.value is None
        assert "not available" in gpu.note
    else:
        assert gpu.value is not None
        assert 0 <= gpu.value <= 100


def test_processor_and_memory_are_shares_in_percent(seen: Seen) -> None:
    for metric in ("cpu_usage", "memory_usage"):
        (one,) = (each for each in seen.observations if each.metric == metric)
        assert one.unit == "%"
        assert one.value is None or 0 <= one.value <= 100
