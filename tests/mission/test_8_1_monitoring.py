"""8.1: every figure of the listing is measured on what a real server answered, or says why it is not."""

from __future__ import annotations

import pytest

from mission.conftest import Watched
from mission.document import listing
from rondo.lifecycle.watching import Seen


@pytest.fixture
def seen(watched: Watched) -> Seen:
    """The look of the monitor after 600 answers, half of which got their outcome."""
    return watched.first


def test_every_figure_of_the_listing_is_observed(seen: Seen) -> None:
    config = listing("8.1").values()["monitoring_config"]
    printed = {name: watch for section in config.values() for name, watch in section.items()}
    for name, watch in printed.items():
        found = [one for one in seen.observations if one.metric == name]
        # A drift metric is asked of every feature; where the score drifts nothing is asked.
        judged = [one for one in found if one.threshold is not None]
        assert judged, name
        for one in judged:
            assert (one.threshold, one.alert_on) == (watch["threshold"], watch["alert_on"]), name
            assert "unit" not in watch or one.unit == watch["unit"], name
        if name != "gpu_utilization":
            assert any(one.value is not None for one in judged), name


def test_a_latency_is_told_in_the_unit_of_its_threshold(seen: Seen) -> None:
    """p99 in milliseconds is above every whole answer's least, 0.05 ms, and no number of seconds."""
    (latency,) = (one for one in seen.observations if one.metric == "latency_p99")
    assert latency.unit == "ms"
    assert latency.value is not None
    assert latency.value > 0.05
    assert (latency.state == "breached") is (latency.value > 100)


def test_each_threshold_alarms_on_its_side(watched: Watched) -> None:
    """All is well at first; then people are older than ever, and every outcome is the other one."""
    quiet = {alert.key for alert in watched.first.opened} & {"accuracy", "psi/age", "ks_statistic/age"}
    loud = {alert.key: alert for alert in watched.later.opened}
    assert quiet == set()
    assert loud.keys() >= {"accuracy", "psi/age", "ks_statistic/age"}
    assert loud["accuracy"].value < 0.85
    assert loud["psi/age"].value > 0.1
    assert "psi/usage_minutes" not in loud
    kept = {alert.key for alert in watched.project.state.alerts(open_only=True)}
    assert kept >= {"accuracy", "psi/age", "ks_statistic/age"}


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
        assert one.value is not None
        assert 0 <= one.value <= 100
