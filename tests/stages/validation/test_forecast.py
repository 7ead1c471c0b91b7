"""A forecast has to beat repeating the last season, on the same rows, beyond chance."""

from __future__ import annotations

import numpy as np
import pytest

from rondo.records.candidate import Measured
from rondo.records.series import Series
from rondo.stages.validation.answers import Answers, Resampling
from rondo.stages.validation.forecast import against_naive
from rondo.stages.validation.gates import Beaten, naive_gate

RESAMPLING = Resampling(200, 0.95, 0)


def answers(error: float, *, days: int = 40, products: int = 20, scale: float = 2.0) -> Answers:
    """A naive forecast that is 2 off, beside a model whose errors have that size; days share a part of it."""
    rng = np.random.default_rng(3)
    n = days * products
    y = rng.poisson(10, n).astype(float)
    shared = np.repeat(rng.normal(0, 0.4, days), products)
    sign = rng.choice([-1.0, 1.0], n)
    naive = y + sign * 2.0
    model = y + sign * error + shared * error
    series = Series(np.repeat(np.arange(days), products), naive, np.full(n, scale))
    return Answers(y, model, (), "", 0.5, series)


def gate_of(found: Answers) -> tuple[str, float | None, str]:
    beaten = against_naive(found, RESAMPLING)
    assert beaten is not None
    gate = naive_gate("mase", beaten)
    return gate.status, gate.found, gate.evidence


def test_a_better_forecast_passes_with_its_gain_and_both_figures() -> None:
    status, gain, told = gate_of(answers(1.0))
    assert status == "passed"
    assert gain == pytest.approx(0.5, abs=0.05)
    assert "naive 1.0000 on the same 800 rows of 40 moments" in told


def test_a_worse_forecast_fails() -> None:
    assert gate_of(answers(2.5))[0] == "failed"


def test_an_equal_one_fails_too_since_equal_is_not_better() -> None:
    found = answers(1.0)
    assert isinstance(found.groups, Series)
    equal = Answers(found.y, found.groups.naive, (), "", 0.5, found.groups)
    assert gate_of(equal)[0] == "failed"


def test_a_gain_that_chance_could_have_made_is_inconclusive() -> None:
    status, gain, told = gate_of(answers(1.97, days=6, products=3))
    assert (gain or 0) > 0
    assert status == "inconclusive"
    assert "cannot tell" in told


def test_without_a_scale_it_is_not_a_number_and_never_passes() -> None:
    assert gate_of(answers(1.0, scale=float("nan")))[0] == "not_a_number"


def test_rows_without_a_scale_are_counted() -> None:
    beaten = Beaten(Measured(0.5, n=90), Measured(1.0, n=90), Measured(-0.5, -0.6, -0.4, 100), 10, 10)
    assert "10 rows belong to series without a scale" in naive_gate("mase", beaten).evidence
