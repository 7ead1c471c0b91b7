"""Groups that are not as large as planned are found at any look, and chance alone is hardly ever taken for that."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from rondo.records.experiment import ExperimentPlan
from rondo.stages.experiments.balance import (
    ALPHA,
    always_valid,
    balance_of,
    chi_square,
    chi_square_tail,
    same_share,
)
from rondo.stages.serving.routing import choose

Plan = Callable[..., ExperimentPlan]
HALVES = {"control": 0.5, "treatment": 0.5}


def drawn(seed: int, shares: tuple[float, float], n: int) -> list[str]:
    chance = np.random.default_rng(seed)
    return [("control", "treatment")[one] for one in chance.choice(2, n, p=shares)]


@pytest.mark.parametrize(
    ("value", "degrees", "tail"),
    [(10.8276, 1, 0.001), (3.8415, 1, 0.05), (5.9915, 2, 0.05), (7.8147, 3, 0.05), (18.4668, 4, 0.001)],
)  # fmt: skip
def test_the_tail_of_chi_square_is_that_of_the_tables(value: float, degrees: int, tail: float) -> None:
    assert chi_square_tail(value, degrees) == pytest.approx(tail, rel=1e-3)


def test_a_mismatch_is_found(plan: Plan) -> None:
    balance = balance_of(plan(), drawn(1, (0.45, 0.55), 5_000))
    assert balance.mismatch
    assert balance.chi_square is not None
    assert balance.chi_square < ALPHA


def test_groups_of_the_planned_sizes_are_left_in_peace(plan: Plan) -> None:
    balance = balance_of(plan(), drawn(2, (0.5, 0.5), 5_000))
    assert not balance.mismatch
    assert balance.expected == {"control": 2_500, "treatment": 2_500}


def test_nobody_is_no_mismatch_and_no_proof(plan: Plan) -> None:
    balance = balance_of(plan(), [])
    assert (balance.mismatch, balance.always_valid, balance.chi_square) == (False, None, None)


def test_looking_at_every_exposure_makes_no_false_alarms() -> None:
    alarms = sum(always_valid(drawn(seed, (0.5, 0.5), 2_000), HALVES) < 0.05 for seed in range(400))
    assert alarms / 400 <= 0.05


def test_a_mismatch_that_grew_even_again_is_not_forgotten() -> None:
    early = ["treatment"] * 60
    assert always_valid([*early, *(["control"] * 60)], HALVES) < ALPHA


def test_chi_square_looks_once() -> None:
    assert chi_square({"control": 480, "treatment": 520}, {"control": 500, "treatment": 500}) > 0.1


def test_a_share_that_differs_between_the_groups_is_found() -> None:
    assert same_share({"control": (900, 1_000), "treatment": (800, 1_000)}) == pytest.approx(
        3.8e-10, rel=0.01
    )
    assert same_share({"control": (900, 1_000), "treatment": (901, 1_000)}) == pytest.approx(0.94, abs=0.01)
    assert same_share({"control": (0, 10), "treatment": (0, 10)}) is None


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_the_server_gives_every_variant_its_planned_share(plan: Plan, share: float) -> None:
    weights = {"1.2.3": 1 - share, "2.0.0": share}
    n = 20_000
    chosen = [choose(weights, f"user {key}") for key in range(n)]
    reach = 4 * (n * share * (1 - share)) ** 0.5
    assert abs(chosen.count("2.0.0") - n * share) < reach
    names = {"1.2.3": "control", "2.0.0": "treatment"}
    planned = {"control": 1 - share, "treatment": share}
    assert always_valid([names[one] for one in chosen], planned) > ALPHA
    assert chosen == [choose(weights, f"user {key}") for key in range(n)]
