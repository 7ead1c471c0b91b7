"""`rondo policy backtest` as a table."""

from __future__ import annotations

from rondo.cli.policy import compared
from rondo.contract.retraining import Retraining
from rondo.stages.retraining import Policy, Replayed


def replayed(name: str, mean: float | None, cost: float | None) -> Replayed:
    return Replayed(Policy(name, "told", Retraining()), (), 2, mean, mean, cost, 1.5)


def test_costs_are_a_column_where_there_are_any() -> None:
    head, rows = compared([replayed("never", 0.5, 0.0), replayed("monthly", 0.75, 24.0)], "mase")
    assert head == ("policy", "retrains", "mean mase", "worst", "cost", "training", "when")
    assert rows == [
        ("never", 2, "0.5000", "0.5000", "0", "1.5 s", "told"),
        ("monthly", 2, "0.7500", "0.7500", "24", "1.5 s", "told"),
    ]


def test_without_a_price_there_is_no_column_of_costs_and_what_was_not_measured_says_so() -> None:
    head, rows = compared([replayed("never", None, None)], "mase")
    assert "cost" not in head
    assert rows == [("never", 2, "not measured", "not measured", "1.5 s", "told")]
