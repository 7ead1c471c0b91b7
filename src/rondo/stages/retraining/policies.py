"""The policies that a backtest compares: the contract's own, its single triggers, and none. Pure."""

from __future__ import annotations

from rondo.contract.metrics import find_metric
from rondo.contract.retraining import Bound, Retraining
from rondo.pages import duration
from rondo.stages.retraining.backtest import Policy

USUAL_DAYS, USUAL_PSI, USUAL_LOSS = 30.0, 0.2, 0.1
_TRIGGERS = ("min_accuracy", "metrics", "max_psi", "max_days_without_training", "new_data_threshold")


def policies(contract: Retraining, *, metric: str, at_first: float | None) -> tuple[Policy, ...]:
    """never, calendar, accuracy, drift, the contract's own, and that without its frozen days.

    Where the contract has no such trigger the usual limit stands in, and the policy says so. Cooldown, budget and
    frozen days are those of the contract.

    Args:
        contract: the contract's policy.
        metric: the backtest's metric.
        at_first: what the first model came to in the first period; the accuracy policy allows a tenth less.
    """
    bare = contract.model_copy(update={name: {} if name == "metrics" else None for name in _TRIGGERS})

    def only(**trigger: object) -> Retraining:
        return bare.model_copy(update=trigger)

    days = contract.max_days_without_training or USUAL_DAYS
    psi = contract.max_psi or USUAL_PSI
    found = [
        Policy("never", "the first model answers throughout", bare),
        Policy("calendar", f"every {days:g} days", only(max_days_without_training=days)),
    ]
    if contract.min_accuracy is not None or contract.metrics:
        told = ", ".join(_performance(contract))
        rules = only(min_accuracy=contract.min_accuracy, metrics=contract.metrics)
        found.append(Policy("accuracy", f"when {told}", rules))
    elif at_first is not None:
        bound, told = _usual_bound(metric, at_first)
        found.append(
            Policy("accuracy", f"when {told}, a tenth from the first period", only(metrics={metric: bound}))
        )
    found.append(Policy("drift", f"when a feature's PSI is above {psi:g}", only(max_psi=psi)))
    found.append(Policy("contract", _told(contract), contract))
    if contract.freeze:
        free = contract.model_copy(update={"freeze": ()})
        found.append(Policy("contract, never frozen", "the contract's without its frozen days", free))
    return tuple(found)


def _usual_bound(metric: str, at_first: float) -> tuple[Bound, str]:
    known = find_metric(metric)
    loss = USUAL_LOSS * abs(at_first)
    if known is None or known.bigger_is_better:
        return Bound(min=at_first - loss), f"{metric} is below {at_first - loss:.4g}"
    return Bound(max=at_first + loss), f"{metric} is above {at_first + loss:.4g}"


def _performance(contract: Retraining) -> list[str]:
    told = [] if contract.min_accuracy is None else [f"accuracy is below {contract.min_accuracy:g}"]
    for name, bound in contract.metrics.items():
        told += [] if bound.min is None else [f"{name} is below {bound.min:g}"]
        told += [] if bound.max is None else [f"{name} is above {bound.max:g}"]
    return told


def _told(contract: Retraining) -> str:
    told = _performance(contract)
    told += [] if contract.max_psi is None else [f"a PSI is above {contract.max_psi:g}"]
    if contract.max_days_without_training is not None:
        told.append(f"{contract.max_days_without_training:g} days have passed")
    if contract.new_data_threshold is not None:
        told.append(f"{contract.new_data_threshold:,} rows are new")
    held = [f"cooldown {duration(contract.cooldown.total_seconds())}"]
    held += [] if contract.budget is None else [f"at most {contract.budget} in 30 days"]
    held += [f"not from {days}" for days in contract.freeze]
    return f"when {' or '.join(told) or 'never'}; {', '.join(held)}"
