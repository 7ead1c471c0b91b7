"""The promises of the prediction log, runnable: an adapter's tests inherit them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import polars as pl
import pytest

from rondo.ports.prediction_log import PredictionLog, PredictionWriter
from rondo.records.prediction import WITHDRAWN, Outcome, Prediction, RequestFigures, VersionFigures

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_prediction(number: int, *, hours: float = 0.0, version: str = "1.0.0") -> Prediction:
    """The `number`-th prediction, about the moment START + `hours`."""
    return Prediction(
        prediction_id=f"p{number:05d}",
        at=START + timedelta(hours=hours, milliseconds=5),
        event_time=START + timedelta(hours=hours),
        version=version,
        entity=None if number % 5 == 0 else f"user {number}",
        score=number / 7.0,
        label="yes",
        numerical=(0.1, None, -2.5e9),
        categorical=("plan: «pro»\n", None),
        latency_ms=1.25,
        shadow=number % 4 == 3,
        unseen=number % 2,
        mirror_of=f"m{number}" if number % 4 == 3 else None,
    )


class PredictionLogTests:
    """What every prediction log keeps; inherit and give the two fixtures."""

    @pytest.fixture
    def open_writer(self) -> Callable[[], PredictionWriter]:
        """Opens one more writer on the log."""
        raise NotImplementedError("give a function that opens a writer")

    @pytest.fixture
    def log(self) -> PredictionLog:
        """Reads what those writers wrote."""
        raise NotImplementedError("give the reader")

    def test_an_empty_log_has_columns_and_no_rows(self, log: PredictionLog) -> None:
        frame = log.predictions()
        assert frame.height == 0
        assert frame.columns == list(Prediction.__slots__)
        assert log.outcomes().columns == list(Outcome.__slots__)
        assert list(log.figures()) == []

    def test_what_was_written_is_read(
        self, open_writer: Callable[[], PredictionWriter], log: PredictionLog
    ) -> None:
        writer = open_writer()
        wanted = [a_prediction(number) for number in range(20)]
        for one in wanted:
            writer.prediction(one)
        writer.close()
        frame = log.predictions()
        assert frame["prediction_id"].to_list() == [one.prediction_id for one in wanted]
        assert frame["score"].to_list() == [one.score for one in wanted]
        assert frame["event_time"].to_list() == [one.event_time for one in wanted]
        assert frame["mirror_of"].to_list() == [one.mirror_of for one in wanted]
        assert frame["entity"].to_list() == [one.entity for one in wanted]
        assert frame["categorical"].to_list() == [list(one.categorical) for one in wanted]
        assert frame["numerical"][0].to_list() == [pytest.approx(0.1), None, pytest.approx(-2.5e9)]
        assert writer.dropped == 0

    def test_reading_again_finds_the_same(
        self, open_writer: Callable[[], PredictionWriter], log: PredictionLog
    ) -> None:
        writer = open_writer()
        writer.prediction(a_prediction(1))
        writer.outcome(Outcome("p00001", "yes", START))
        writer.close()
        first, second = log.predictions(), log.predictions()
        assert first.equals(second)
        assert log.outcomes().equals(log.outcomes())

    def test_times_cut_by_event_time_with_the_end_left_out(
        self, open_writer: Callable[[], PredictionWriter], log: PredictionLog
    ) -> None:
        writer = open_writer()
        for hour in range(6):
            writer.prediction(a_prediction(hour, hours=hour))
        writer.close()
        found = log.predictions(since=START + timedelta(hours=2), until=START + timedelta(hours=4))
        assert found["prediction_id"].to_list() == ["p00002", "p00003"]

    def test_what_was_answered_since_is_found_whatever_it_is_about(
        self, open_writer: Callable[[], PredictionWriter], log: PredictionLog
    ) -> None:
        writer = open_writer()
        for hour in range(6):
            long_ago = replace(a_prediction(hour, hours=hour), event_time=START - timedelta(days=hour))
            writer.prediction(long_ago)
        writer.close()
        found = log.predictions(answered_since=START + timedelta(hours=4))
        assert found["prediction_id"].to_list() == ["p00004", "p00005"]

    def test_columns_and_predictions_can_be_chosen(
        self, open_writer: Callable[[], PredictionWriter], log: PredictionLog
    ) -> None:
        for part in range(2):  # what was written before, and what is being written
            writer = open_writer()
            for number in range(4 * part, 4 * part + 4):
                writer.prediction(a_prediction(number, hours=number))
                writer.outcome(Outcome(f"p{number:05d}", str(number), START))
            writer.close()
        found = log.predictions(since=START + timedelta(hours=2), columns=("score", "prediction_id"))
        assert found.columns == ["score", "prediction_id"]
        assert found["prediction_id"].to_list() == [f"p{number:05d}" for number in range(2, 8)]
        chosen = ["p00001", "p00006", "nobody's"]
        assert log.predictions(ids=chosen)["prediction_id"].to_list() == chosen[:2]
        assert log.predictions(ids=chosen, columns=["version"]).rows() == [("1.0.0",)] * 2
        assert log.outcomes(ids=chosen)["value"].to_list() == ["1", "6"]
        assert log.outcomes(received_since=START).height == 8
        assert log.outcomes(received_since=START + timedelta(seconds=1)).height == 0
        assert log.predictions(ids=()).height == log.outcomes(ids=()).height == 0

    def test_two_writers_share_a_log(
        self, open_writer: Callable[[], PredictionWriter], log: PredictionLog
    ) -> None:
        first, second = open_writer(), open_writer()
        first.prediction(a_prediction(1))
        second.prediction(a_prediction(2))
        first.close()
        second.close()
        assert sorted(log.predictions()["prediction_id"]) == ["p00001", "p00002"]

    def test_the_newest_outcome_counts_in_whatever_order_they_came(
        self, open_writer: Callable[[], PredictionWriter], log: PredictionLog
    ) -> None:
        outcomes = [Outcome("a", value, START + timedelta(hours=hour)) for hour, value in enumerate("xyz")]
        found: list[pl.DataFrame] = []
        for order in permutations(outcomes):
            writer = open_writer()
            for one in order:
                writer.outcome(one)
            writer.close()
            found.append(log.outcomes())
        assert all(frame.equals(found[0]) for frame in found)
        assert found[0]["value"].to_list() == ["z"]

    def test_a_withdrawn_outcome_is_no_outcome(
        self, open_writer: Callable[[], PredictionWriter], log: PredictionLog
    ) -> None:
        writer = open_writer()
        for name, value, hour in (("a", "yes", 0), ("b", "yes", 1), ("a", WITHDRAWN, 2), ("b", "no", 3)):
            writer.outcome(Outcome(name, value, START + timedelta(hours=hour)))
        writer.close()
        assert log.outcomes().select("prediction_id", "value").rows() == [("b", "no")]

    def test_outcomes_are_told_as_they_are_written(
        self, open_writer: Callable[[], PredictionWriter], log: PredictionLog
    ) -> None:
        follower = log.follow()
        assert list(follower.newer()) == []
        told: set[Outcome] = set()
        for hour in range(4):
            writer, wanted = open_writer(), Outcome(f"p{hour}", "yes", START + timedelta(hours=hour), START)
            writer.prediction(a_prediction(hour))
            writer.outcome(wanted)
            writer.close()
            fresh = set(follower.newer())
            assert wanted in fresh
            told |= fresh
            log.outcomes()  # a reader may rewrite what was written
        assert set(follower.newer()) <= told
        assert list(follower.newer()) == []
        assert {one.prediction_id for one in log.follow().newer()} == {"p0", "p1", "p2", "p3"}

    def test_figures_come_back_as_they_were(
        self, open_writer: Callable[[], PredictionWriter], log: PredictionLog
    ) -> None:
        figures = [
            RequestFigures(
                START + timedelta(seconds=5 * n),
                5.0,
                10 * n,
                n,
                0,
                (1.5, 2.5)[:n],
                0.3,
                0.1,
                99,
                n,
                {version: VersionFigures(n, 1, (0.5,) * n, 2) for version in ("1.0.0", "1.1.0")[:n]},
            )
            for n in range(3)
        ]
        writer = open_writer()
        for one in figures:
            writer.figures(one)
        writer.close()
        assert list(log.figures()) == figures
        assert list(log.figures(since=figures[1].at, until=figures[2].at)) == [figures[1]]

    def test_a_closed_writer_counts_what_it_does_not_take(
        self, open_writer: Callable[[], PredictionWriter], log: PredictionLog
    ) -> None:
        writer = open_writer()
        writer.close()
        writer.prediction(a_prediction(1))
        assert writer.dropped == 1
        assert log.predictions().height == 0
