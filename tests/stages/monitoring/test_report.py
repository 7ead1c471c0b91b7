from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rondo.contract.monitoring import Monitoring
from rondo.records.monitoring import Alert, Observation
from rondo.stages.monitoring import page

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
WATCHED = Monitoring.model_validate(
    {
        "model_metrics": {"accuracy": {"threshold": 0.8, "alert_on": "below"}},
        "drift_metrics": {"psi": {"threshold": 0.1, "alert_on": "above"}},
        "system_metrics": {"gpu_utilization": {"threshold": 90, "alert_on": "above"}},
    }
)
SEEN = Observation("psi", 0.02, 500, "fine", NOW - DAY, NOW, NOW, "1.0.0", "<b>spend</b>", 0.1, "above")
SPEND = replace(SEEN, chance=0.01, beyond=0.05, note="against the judged rows")
ACCURACY = replace(SEEN, metric="accuracy", feature=None, value=0.9, n=60, of=100)
GPU = replace(
    SEEN, metric="gpu_utilization", feature=None, value=None, n=0, state="not_available", note="no GPU here"
)


def shown(*observations: Observation, alerts: tuple[Alert, ...] = ()) -> str:
    return page("shop", WATCHED, "1.0.0", observations, alerts, now=NOW)


def test_the_page_shows_drift_with_its_chance_and_escapes_what_data_says() -> None:
    text = shown(SPEND, replace(SPEND, window_from=NOW - 2 * DAY, window_to=NOW - DAY), ACCURACY, GPU)
    assert "&lt;b&gt;spend" in text
    assert "<b>spend" not in text
    assert "chance alone gives 0.01, hardly ever 0.05" in text
    assert "now 60 of 100" in text
    assert "no GPU here" in text
    assert "<script" not in text


def test_open_alerts_are_the_headline() -> None:
    alert = Alert("psi/spend", "psi", "critical", "it moved", NOW, NOW, 0.3, 0.1, fired_at=NOW)
    text = shown(replace(SPEND, state="breached", value=0.3), alerts=(alert,))
    assert "1 alert open" in text
    assert "it moved" in text


@pytest.mark.parametrize("observations", [(), (GPU,)])
def test_what_measures_nothing_does_not_look_fine(observations: tuple[Observation, ...]) -> None:
    text = shown(*observations)
    assert "Nothing that is asked could be measured" in text
    assert "No alert is open" not in text
