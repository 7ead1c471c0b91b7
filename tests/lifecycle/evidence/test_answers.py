"""Evidence read back from a real prediction log: who answered what, since when, and how it was judged."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rondo.adapters.segments import SegmentLog, SegmentWriter
from rondo.contract.deployment import Deployment, Shadow
from rondo.lifecycle.evidence import canary, shadow, watch
from rondo.lifecycle.evidence.answers import answers_since
from rondo.lifecycle.workshop import Workshop
from rondo.records.prediction import Prediction, RequestFigures, VersionFigures
from rondo.records.rollout import Phase, Rollout
from rondo.testing.state import NOW

SECOND = timedelta(seconds=1)
LATER = NOW + 60 * SECOND
BEFORE = NOW - timedelta(days=400)  # what requests are about is not when they are answered


class Served:
    """A log that a test writes, and the workshop that reads it."""

    def __init__(self, folder: Path) -> None:
        self.writer = SegmentWriter(folder)
        self.count = 0
        section = Deployment(
            shadow=Shadow(min_agreement=0.9), rollback_on=cast("Any", {"error_rate": "> 5%"})
        )
        self.workshop = cast(
            "Workshop",
            SimpleNamespace(log=SegmentLog(folder), project=SimpleNamespace(deployment=section)),
        )

    def answer(self, version: str, score: float, *, at: float = 30, mirror_of: str | None = None) -> str:
        """One answered row, so many seconds after NOW."""
        self.count += 1
        name = f"p{self.count}"
        label = "yes" if score > 0.5 else "no"
        self.writer.prediction(
            Prediction(
                name,
                NOW + at * SECOND,
                BEFORE,
                version,
                None,
                score,
                label,
                (),
                (),
                1.0,
                shadow=mirror_of is not None,
                mirror_of=mirror_of,
            )
        )
        return name

    def figures(self, at: float, **versions: VersionFigures) -> None:
        """What a server wrote of the five seconds before that moment; `v1_0_0` stands for 1.0.0."""
        named = {name.removeprefix("v").replace("_", "."): one for name, one in versions.items()}
        self.writer.figures(RequestFigures(NOW + at * SECOND, 5.0, 0, 0, 0, (), 0.0, 0.0, 0, versions=named))


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    log = Served(tmp_path / "log")
    yield log
    log.writer.close()


def rollout(kind: str, **other: Any) -> Rollout:
    phase = Phase(cast("Any", kind), {"1.0.0": 0.5, "1.1.0": 0.5}, min_requests=100, **other)
    return Rollout(1, "canary", "1.1.0", "1.0.0", (phase,), "running", NOW, "ann", "", phase_since=NOW)


def test_only_what_was_answered_in_the_phase_counts(served: Served) -> None:
    served.answer("1.1.0", 0.1, at=-1)
    served.answer("1.1.0", float("nan"))
    served.answer("1.1.0", 0.9)
    served.answer("1.0.0", 0.2, at=40)
    served.figures(3, v1_1_0=VersionFigures(100, 100, (9.0,)))  # began before the phase
    served.figures(20, v1_1_0=VersionFigures(10, 1, (1.0, 2.0)), v1_0_0=VersionFigures(7))
    served.figures(25, v1_1_0=VersionFigures(5, 0, (3.0,), dropped=2))
    served.writer.close()
    side = answers_since(served.workshop, NOW).side("1.1.0")
    assert (side.requests, side.errors, side.rows, side.unusable, side.dropped) == (15, 1, 2, 1, 2)
    assert (list(side.latency_ms), list(side.scores)) == ([1.0, 2.0, 3.0], [0.9])
    assert side.decisions["yes"] == 1


def test_a_canary_is_judged_against_the_control_of_the_same_time(served: Served) -> None:
    for number in range(400):
        served.answer("1.0.0" if number % 2 else "1.1.0", number / 400)
    times = tuple(float(number % 7) for number in range(200))
    served.figures(20, v1_0_0=VersionFigures(200, 0, times), v1_1_0=VersionFigures(200, 0, times))
    served.writer.close()
    found = canary.gather(served.workshop, rollout("canary"), LATER)
    assert (found.judgement, found.requests, found.window_from) == ("ship", 200, NOW)


def test_a_canary_that_fails_is_rejected_and_an_unseen_one_is_not_judged(served: Served) -> None:
    assert canary.gather(served.workshop, rollout("canary"), LATER).judgement == "inconclusive"
    served.figures(20, v1_0_0=VersionFigures(200), v1_1_0=VersionFigures(200, 60))
    served.writer.close()
    found = canary.gather(served.workshop, rollout("canary"), LATER)
    assert found.judgement == "reject"
    assert "30.00% of 200 failed" in found.reasons[0]


def test_what_is_watched_is_judged_by_the_limits(served: Served) -> None:
    served.figures(20, v1_1_0=VersionFigures(300, 1))
    assert watch.gather(served.workshop, rollout("watch"), LATER).judgement == "inconclusive"
    served.writer.close()
    assert watch.gather(served.workshop, rollout("watch"), LATER).judgement == "ship"


@pytest.mark.parametrize(("changed", "judgement"), [(2, "ship"), (150, "reject")])
def test_a_shadow_is_compared_answer_by_answer(served: Served, changed: int, judgement: str) -> None:
    for number in range(300):
        score = 0.2 if number % 2 else 0.8
        name = served.answer("1.0.0", score)
        served.answer("1.1.0", 1 - score if number < changed else score, mirror_of=name)
    served.answer("1.1.0", 0.3, mirror_of="nobody's")
    served.figures(20, v1_0_0=VersionFigures(300), v1_1_0=VersionFigures(300, 0, dropped=1))
    served.writer.close()
    found = shadow.gather(served.workshop, rollout("shadow", shadow="1.1.0"), LATER)
    assert (found.judgement, found.requests, found.figures["pairs"]) == (judgement, 300, 300)
    assert found.figures["agreement"] == pytest.approx(1 - changed / 300)
