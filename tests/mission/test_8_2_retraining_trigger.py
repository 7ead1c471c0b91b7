"""8.2: the four triggers of the listing, and that a figure nobody measured fires none and is told."""

from __future__ import annotations

import inspect
from itertools import product

import pytest

from mission.document import listing
from rondo import RetrainingTrigger

FINE = {"accuracy": 0.9, "psi": 0.05, "days_since_training": 3, "new_data_count": 5_000}


def use(metrics: dict[str, float], capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, object], str]:
    """The statements of the listing under its class, with our class in its place; and what they print."""
    names: dict[str, object] = {"RetrainingTrigger": RetrainingTrigger, "current_metrics": metrics}
    exec(listing("8.2").usage(), names)
    result = names["result"]
    assert isinstance(result, dict)
    return result, capsys.readouterr().out


def test_it_has_the_methods_of_the_listing() -> None:
    for name, arguments in listing("8.2").methods("RetrainingTrigger").items():
        assert list(inspect.signature(getattr(RetrainingTrigger, name)).parameters)[1:] == list(arguments)


def test_nothing_fires_when_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    result, printed = use(FINE, capsys)
    assert (result["should_retrain"], result["reasons"], printed) == (False, [], "")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"accuracy": 0.84}, "accuracy_degradation"),
        ({"psi": 0.11}, "data_drift"),
        ({"days_since_training": 31}, "scheduled_retrain"),
        ({"new_data_count": 100_001}, "new_data_available"),
    ],
)
def test_each_trigger_fires_by_itself(
    changed: dict[str, float], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    result, printed = use(FINE | changed, capsys)
    assert (result["should_retrain"], result["reasons"]) == (True, [reason])
    assert reason in printed


def test_several_reasons_are_told_together(capsys: pytest.CaptureFixture[str]) -> None:
    worst = {"accuracy": 0.1, "psi": 2.0, "days_since_training": 99, "new_data_count": 10**6}
    result, _ = use(worst, capsys)
    assert result["reasons"] == [
        "accuracy_degradation",
        "data_drift",
        "scheduled_retrain",
        "new_data_available",
    ]


def test_the_triggers_are_those_of_the_listing_s_own_code() -> None:
    """Its class runs as it is printed, on figures around each of its bounds."""
    config = listing("8.2").values()["retrain_config"]
    printed, ours = listing("8.2").own("RetrainingTrigger")(config), RetrainingTrigger(config)
    around = {
        "accuracy": (0.849, 0.85, 0.851),
        "psi": (0.099, 0.1, 0.101),
        "days_since_training": (29, 30, 31),
        "new_data_count": (99_999, 100_000, 100_001),
    }
    for figures in product(*around.values()):
        metrics = dict(zip(around, figures, strict=True))
        told = ours.check_triggers(metrics)
        assert {name: told[name] for name in ("should_retrain", "reasons")} == printed.check_triggers(metrics)


def test_what_was_not_measured_does_not_pass_for_good(capsys: pytest.CaptureFixture[str]) -> None:
    result, _ = use({"psi": float("nan")}, capsys)
    assert result["should_retrain"] is False
    assert result["not_measured"] == [
        "accuracy_degradation",
        "data_drift",
        "scheduled_retrain",
        "new_data_available",
    ]
