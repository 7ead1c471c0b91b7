from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from rondo.contract.retraining import Retraining
from rondo.records.monitoring import Observation
from rondo.stages.retraining import Figures, RetrainingTrigger, Standing, check, decide, figures_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LISTING = {
    "min_accuracy": 0.85,
    "max_psi": 0.1,
    "max_days_without_training": 30,
    "new_data_threshold": 100000,
}
POLICY = Retraining.model_validate(LISTING)
ALL_FINE = Figures(accuracy=0.9, psi=0.05, days_since_training=3, new_data_count=10)


def test_the_listing_fires_each_trigger_by_its_own_reason() -> None:
    trigger = RetrainingTrigger(LISTING)
    fine = {"accuracy": 0.9, "psi": 0.05, "days_since_training": 3, "new_data_count": 10}
    assert trigger.check_triggers(fine) == {"should_retrain": False, "reasons": [], "not_measured": []}
    for change, reason in (
        ({"accuracy": 0.8}, "accuracy_degradation"),
        ({"psi": 0.2}, "data_drift"),
        ({"days_since_training": 31}, "scheduled_retrain"),
        ({"new_data_count": 100_001}, "new_data_available"),
    ):
        assert trigger.check_triggers({**fine, **change})["reasons"] == [reason]


def test_at_the_threshold_nothing_fires() -> None:
    assert check(POLICY, Figures(0.85, 0.1, "", 30, 100_000)).reasons == ()


def test_what_was_not_measured_is_told_and_does_not_pass_for_good() -> None:
    fired = check(POLICY, Figures(accuracy=float("nan")))
    assert fired.reasons == ()
    assert len(fired.not_measured) == 4
    assert all("not measured" in line for line in fired.evidence)


def test_the_cooldown_holds_back_and_doubles_after_lost_rounds() -> None:
    fired = check(POLICY, Figures(accuracy=0.5))
    for lost, hours, expected in (
        (0, 23, False),
        (0, 25, True),
        (1, 25, False),
        (1, 49, True),
        (2, 49, False),
    ):
        standing = Standing(NOW - timedelta(hours=hours), lost)
        assert decide(POLICY, fired, standing, now=NOW).should_retrain is expected


def test_never_two_rounds_at_once() -> None:
    fired = check(POLICY, Figures(accuracy=0.5))
    decision = decide(POLICY, fired, Standing(round_under_way=True), now=NOW)
    assert not decision.should_retrain
    assert decision.reasons == ("accuracy_degradation",)
    assert "under way" in decision.held_back


@given(st.floats(0, 1), st.floats(0, 2), st.floats(0, 100), st.integers(0, 10**6))
def test_it_retrains_exactly_when_there_is_a_reason(
    accuracy: float, psi: float, days: float, rows: int
) -> None:
    decision = decide(POLICY, check(POLICY, Figures(accuracy, psi, "", days, rows)), Standing(), now=NOW)
    assert decision.should_retrain == bool(decision.reasons)
    assert decision.should_retrain == (accuracy < 0.85 or psi > 0.1 or days > 30 or rows > 100_000)


def test_figures_take_the_largest_psi_that_chance_does_not_explain() -> None:
    def psi(feature: str, value: float, state: str, beyond: float | None = None) -> Observation:
        return Observation("psi", value, 500, state, None, None, NOW, feature=feature, beyond=beyond)  # type: ignore[arg-type]

    found = figures_of(
        [
            psi("a", 0.3, "fine", beyond=0.4),
            psi("b", 0.2, "breached", beyond=0.1),
            psi("c", 0.05, "fine"),
        ],
        days_since_training=None,
        new_data_count=None,
    )
    assert (found.psi, found.psi_feature) == (0.2, "b")
