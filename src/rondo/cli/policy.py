"""policy backtest: what policies of retraining would have come to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rondo.cli.output import progress, say, say_json, table

if TYPE_CHECKING:
    from rondo.stages.retraining import Replayed


def backtest(folder: Path, periods: int | None, as_json: bool) -> None:
    """A line per policy, and the recommendation with its reason."""
    from rondo.assembly import open_project
    from rondo.lifecycle.backtesting import backtest as do

    found = do(open_project(folder, progress=progress()), periods=periods)
    if as_json:
        say_json(found)
        return
    first, last = found.periods[0], found.periods[-1]
    say(
        f"{len(found.periods)} periods from {first.start:%Y-%m-%d} to {last.end:%Y-%m-%d}, "
        f"{found.trained} trainings of {found.candidate}"
    )
    table(*compared(found.replayed, found.metric))
    say(f"Recommended: {found.recommendation.policy or 'nothing'}. {found.recommendation.reason}.")


def compared(replayed: Sequence[Replayed], metric: str) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """The head and a row per policy; costs only where the project file says what a retrain costs."""
    priced = any(one.cost is not None for one in replayed)
    cost = ("cost",) if priced else ()
    rows = [
        (
            one.policy.name,
            one.retrains,
            *(_number(value, ".4f") for value in (one.mean, one.worst)),
            *((_number(one.cost, "g"),) if priced else ()),
            f"{one.seconds:.1f} s",
            one.policy.told,
        )
        for one in replayed
    ]
    return ("policy", "retrains", f"mean {metric}", "worst", *cost, "training", "when"), rows


def _number(value: float | None, kind: str) -> str:
    return "not measured" if value is None else format(value, kind)
