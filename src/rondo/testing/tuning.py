"""The promises of a Tuner, runnable: inherit and give a fresh one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rondo.contract.training import SearchRange, parse_search
from rondo.errors import ContractError, DataError
from rondo.ports.tuning import SearchResult, Tuner

SPACE: Mapping[str, SearchRange] = {
    "x": parse_search("float(-5, 5)"),
    "depth": parse_search("int(1, 64, log)"),
    "kind": parse_search("choice(a, b, none)"),
}


def bowl(params: Mapping[str, Any], trial: int) -> float:
    """Best (0) at x = 1, depth = 8, kind = b."""
    far = (params["x"] - 1) ** 2 + math.log2(params["depth"] / 8) ** 2
    return float(-far - (0.0 if params["kind"] == "b" else 1.0))


class TunerTests:
    """What every tuner keeps."""

    @pytest.fixture
    def tuner(self, tmp_path: Path) -> Tuner:
        """A fresh tuner."""
        raise NotImplementedError("give a fresh tuner")

    def search(self, tuner: Tuner, objective: Any = bowl, **how: Any) -> SearchResult:
        """A search with the usual arguments, but for those given."""
        usual: dict[str, Any] = {
            "trials": 12,
            "maximize": True,
            "seed": 3,
            "timeout": None,
            "on_trial": lambda done, best: None,
        }
        space = how.pop("space", SPACE)
        return tuner.search(how.pop("study", "bowl"), space, objective, **usual | how)

    def test_finds_better_than_the_first_guess_within_the_ranges(self, tuner: Tuner) -> None:
        seen: list[dict[str, Any]] = []

        def objective(params: Mapping[str, Any], trial: int) -> float:
            seen.append(dict(params))
            return bowl(params, trial)

        found = self.search(tuner, objective, trials=25)
        assert found.score == max(bowl(params, 0) for params in seen) == bowl(found.params, 0)
        assert found.trials == 25
        assert all(-5 <= params["x"] <= 5 and 1 <= params["depth"] <= 64 for params in seen)
        assert {params["kind"] for params in seen} <= {"a", "b", None}

    def test_minimises_when_less_is_better(self, tuner: Tuner) -> None:
        found = self.search(tuner, lambda params, _: -bowl(params, 0), maximize=False)
        assert found.score == -bowl(found.params, 0)

    def test_equal_seeds_give_equal_results(self, tuner: Tuner) -> None:
        assert self.search(tuner, study="one") == self.search(tuner, study="two")

    def test_tells_how_far_it_is(self, tuner: Tuner) -> None:
        told: list[tuple[int, float]] = []
        self.search(tuner, trials=4, on_trial=lambda done, best: told.append((done, best)))
        assert [done for done, _ in told] == [1, 2, 3, 4]
        assert [best for _, best in told] == sorted(best for _, best in told)

    def test_finished_trials_count_when_the_study_is_taken_up_again(self, tuner: Tuner) -> None:
        whole = self.search(tuner, study="whole", trials=9)
        calls: list[int] = []

        def objective(params: Mapping[str, Any], trial: int) -> float:
            calls.append(trial)
            if len(calls) == 6:
                raise KeyboardInterrupt
            return bowl(params, trial)

        with pytest.raises(KeyboardInterrupt):
            self.search(tuner, objective, study="torn", trials=9)
        again = self.search(tuner, objective, study="torn", trials=9)
        assert len(calls) == 5 + 1 + 4
        assert again == whole
        assert self.search(tuner, objective, study="torn", trials=9) == whole
        assert len(calls) == 10

    def test_trials_that_fail_or_give_no_number_are_reported_and_passed_over(self, tuner: Tuner) -> None:
        def objective(params: Mapping[str, Any], trial: int) -> float:
            if trial % 3 == 0:
                raise ValueError("no such depth")
            return math.nan if trial % 3 == 1 else bowl(params, trial)

        found = self.search(tuner, objective, trials=6)
        assert found.trials == 2
        assert math.isfinite(found.score)
        assert [reason.split(": ", 1)[1] for reason in found.failed] == [
            "ValueError: no such depth",
            "the score is nan",
        ] * 2

    def test_when_every_trial_fails_the_error_has_the_reasons(self, tuner: Tuner) -> None:
        def objective(params: Mapping[str, Any], trial: int) -> float:
            raise ValueError(f"broken {trial}")

        with pytest.raises(DataError, match="broken 1") as caught:
            self.search(tuner, objective, trials=3)
        assert len(caught.value.problems) == 3

    def test_an_impossible_wish_ends_the_search_at_once(self, tuner: Tuner) -> None:
        def objective(params: Mapping[str, Any], trial: int) -> float:
            raise ContractError("no metric is called so")

        with pytest.raises(ContractError, match="called so"):
            self.search(tuner, objective)

    def test_nothing_to_search_is_one_trial(self, tuner: Tuner) -> None:
        assert self.search(tuner, lambda params, _: 0.5, space={}) == SearchResult({}, 0.5, 1, ())

    def test_a_timeout_ends_the_search_after_at_least_one_trial(self, tuner: Tuner) -> None:
        assert self.search(tuner, timeout=timedelta(0)).trials == 1

    def test_parameters_that_were_tried_are_not_tried_again(self, tuner: Tuner) -> None:
        calls: list[Any] = []
        space = {"kind": parse_search("choice(a, b)")}

        def objective(params: Mapping[str, Any], trial: int) -> float:
            calls.append(params["kind"])
            return float(len(calls))

        found = self.search(tuner, objective, space=space, trials=8)
        assert sorted(calls) == ["a", "b"]
        assert found.trials == 8
