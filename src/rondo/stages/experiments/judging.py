"""What the data allow to say: ship, hold, reject or inconclusive, with the reasons in words. Pure.

Nothing is said before every variant has `min_sample_size` entities, and nothing at all where the groups are not what
was planned. After the duration an undecided test is a hold when it had its sample, else inconclusive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rondo.contract.ab_test import more_is_better, scale_of
from rondo.records.experiment import (
    Balance,
    Effect,
    ExperimentPlan,
    GuardrailFinding,
    VariantFigures,
)
from rondo.records.verdict import Judgement
from rondo.stages.experiments.balance import ALPHA, same_share

Verdict = tuple[Judgement, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Found:
    """What one look has to be judged by."""

    variants: Sequence[VariantFigures]
    effects: Sequence[Effect]
    balance: Balance
    guardrails: Sequence[GuardrailFinding]
    counts_outcomes: bool  # the primary metric needs outcomes
    over: bool


def judge(plan: ExperimentPlan, found: Found) -> Verdict:
    """The verdict on the treatment; with several, on the best one that may ship."""
    if distrust := _distrust(plan, found):
        return "inconclusive", distrust
    if few := _too_few(plan, found):
        return "inconclusive", few
    verdicts = [_on_treatment(plan, found, effect) for effect in found.effects]
    order: Mapping[Judgement, int] = {"ship": 0, "inconclusive": 1, "hold": 2, "reject": 3}
    gains = [_gain(plan, effect) for effect in found.effects]
    best = min(range(len(verdicts)), key=lambda place: (order[verdicts[place][0]], -gains[place]))
    return verdicts[best]


def amount(metric: str, value: float | None, *, signed: bool = False) -> str:
    """A value of the metric, or a difference of two, as people read it."""
    if value is None:
        return "not known"
    sign = "+" if signed else ""
    match scale_of(metric):
        case "share":
            return f"{value * 100:{sign}.2f} points" if signed else f"{value:.2%}"
        case "time":
            return f"{value * 1e3:{sign}.3g} ms"
        case "number":
            return f"{value:{sign}.4g}"


def told_effect(effect: Effect) -> str:
    """The effect in words, with its interval."""
    if effect.difference is None or effect.low is None or effect.high is None:
        return effect.note or "not known"
    low, high = (amount(effect.metric, bound, signed=True) for bound in (effect.low, effect.high))
    relative = f" ({effect.relative:+.1%} of control)" if effect.relative is not None else ""
    return f"{amount(effect.metric, effect.difference, signed=True)}{relative}, interval [{low}, {high}]"


def _distrust(plan: ExperimentPlan, found: Found) -> tuple[str, ...]:
    """What keeps the groups from being compared at all."""
    if not any(found.balance.counts.values()):
        return (f"nobody was exposed to {plan.name} yet",)
    if found.balance.mismatch:
        told = ", ".join(
            f"{name} has {count:,} where {found.balance.expected[name]:,.0f} are expected"
            for name, count in found.balance.counts.items()
        )
        return (
            f"sample ratio mismatch: {told} (p = {found.balance.always_valid:.1g}, below {ALPHA:g}): "
            "something else than chance chose the variant, so nothing is compared",
        )
    if not found.counts_outcomes:
        return ()
    if not any(one.known for one in found.variants):
        return ("no outcome is known yet: send them to /feedback",)
    chance = same_share({one.variant.name: (one.known, one.exposed) for one in found.variants})
    if chance is not None and chance < ALPHA:
        told = ", ".join(f"{one.known / one.exposed:.1%} of {one.variant.name}" for one in found.variants)
        return (
            f"outcomes are known for {told} (p = {chance:.1g}): who is missing may differ from who is there, so "
            "nothing is compared until more are known",
        )
    return ()


def _too_few(plan: ExperimentPlan, found: Found) -> tuple[str, ...]:
    few = [one for one in found.variants if one.n < plan.min_sample_size]
    if not few:
        return ()
    what = "with a known outcome" if found.counts_outcomes else "requests"
    told = ", ".join(f"{one.variant.name} {one.n:,}" for one in few)
    end = "the time is over: " if found.over else ""
    return (f"{end}of at least {plan.min_sample_size:,} {what} of each variant so far: {told}",)


def _on_treatment(plan: ExperimentPlan, found: Found, effect: Effect) -> Verdict:
    guards = [one for one in found.guardrails if one.treatment == effect.treatment]
    said = f"{plan.primary}: {told_effect(effect)}"
    broken = tuple(told_guardrail(one) for one in guards if one.state == "worse")
    if broken:
        return "reject", (*broken, said)
    if effect.difference is None or effect.low is None or effect.high is None:
        return "inconclusive", (f"{plan.primary} cannot be compared: {effect.note}",)
    good, bad = (effect.low > 0, effect.high < 0)
    if not more_is_better(plan.primary):
        good, bad = bad, good
    if bad:
        return "reject", (f"{effect.treatment} is worse. {said}",)
    if good:
        return _better(found, guards, effect, said)
    if found.over:
        return "hold", (f"the time is over, and no difference was shown. {said}",)
    return "inconclusive", (f"no difference is shown so far. {said}",)


def _better(found: Found, guards: Sequence[GuardrailFinding], effect: Effect, said: str) -> Verdict:
    missing = tuple(told_guardrail(one) for one in guards if one.state == "missing")
    unclear = tuple(told_guardrail(one) for one in guards if one.state == "unclear")
    head = f"{effect.treatment} is better. {said}"
    if missing:
        return "inconclusive", (head, *missing, *unclear)
    if unclear:
        return ("hold" if found.over else "inconclusive"), (head, *unclear)
    return "ship", (head, *(told_guardrail(one) for one in guards))


def told_guardrail(one: GuardrailFinding) -> str:
    """The guardrail in words."""
    name = one.guardrail.metric
    if one.state == "missing" or one.worsening is None:
        return f"{name} was not measured: {one.note}"
    margin = amount(name, one.margin, signed=True).lstrip("+")
    high = amount(name, one.high, signed=True) if one.high is not None else "anything"
    low = amount(name, one.low, signed=True) if one.low is not None else "anything"
    values = f"{amount(name, one.value)} against {amount(name, one.control)}"
    match one.state:
        case "fine":
            return f"{name} is not worse by more than {margin}: {values}, at most {high}"
        case "worse":
            return f"{name} is worse by more than {margin}: {values}, at least {low}"
        case _:
            return f"{name} may be worse by more than {margin}: {values}, {low} to {high}"


def _gain(plan: ExperimentPlan, effect: Effect) -> float:
    gap = effect.difference if effect.difference is not None else float("-inf")
    return gap if more_is_better(plan.primary) else -gap
