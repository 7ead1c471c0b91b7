"""policy backtest: what policies of retraining would have come to."""

from __future__ import annotations

from pathlib import Path

from rondo.cli.output import progress, say, say_json, table


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
    table(
        ("policy", "retrains", f"mean {found.metric}", "worst", "cost", "training", "when"),
        [
            (
                one.policy.name,
                one.retrains,
                "" if one.mean is None else f"{one.mean:.4f}",
                "" if one.worst is None else f"{one.worst:.4f}",
                "" if one.cost is None else f"{one.cost:g}",
                f"{one.seconds:.1f} s",
                one.policy.told,
            )
            for one in found.replayed
        ],
    )
    say(f"Recommended: {found.recommendation.policy or 'nothing'}. {found.recommendation.reason}.")
