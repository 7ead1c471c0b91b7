"""reports/experiment_<name>.html: the verdict in words, and what it rests on. Pure: a reading in, HTML out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rondo.contract.ab_test import more_is_better, of_requests
from rondo.pages import duration, moment, number, render
from rondo.records.experiment import GuardrailState, Power, Reading
from rondo.stages.experiments.balance import ALPHA
from rondo.stages.experiments.judging import amount, told_effect, told_guardrail

HEADLINES = {
    "ship": "Ship: the treatment is better",
    "hold": "Hold: control stays",
    "reject": "Reject: the treatment is worse",
    "inconclusive": "Inconclusive: the evidence does not suffice",
}
_TONES: Mapping[GuardrailState, tuple[str, str]] = {
    "fine": ("ok", "not worse"),
    "worse": ("bad", "worse"),
    "unclear": ("warn", "unclear"),
    "missing": ("warn", "not measured"),
}
_DAY_S = 86_400.0


def experiment_page(reading: Reading) -> str:
    """The page of one look."""
    plan = reading.plan
    return render(
        "rondo.stages.experiments/experiment.html",
        title=plan.name,
        above="Rondo · experiment",
        subtitle=_subtitle(reading),
        verdict=reading.judgement,
        verdict_text=_headline(reading),
        verdict_reason=reading.reasons[0] if reading.reasons else "",
        facts=_facts(reading),
        reasons=reading.reasons[1:],
        primary=plan.primary,
        direction="more" if more_is_better(plan.primary) else "less",
        counted="requests" if of_requests(plan.primary) else "entities",
        variants=[_variant(reading, place) for place in range(len(reading.variants))],
        effects=[]
        if reading.balance.mismatch
        else [(effect.treatment, told_effect(effect), f"{effect.n:,}") for effect in reading.effects],
        confidence=plan.confidence,
        sequences=[
            (name, [(one.at, one.difference, one.low, one.high) for one in points])
            for name, points in reading.sequences.items()
            if points and not reading.balance.mismatch
        ],
        balance=reading.balance,
        balance_alpha=ALPHA,
        days={
            variant.name: [(day.day, float(day.counts[variant.name])) for day in reading.days]
            for variant in plan.variants
        }
        if reading.days
        else {},
        guardrails=[
            (one, *_TONES[one.state], amount(one.guardrail.metric, one.margin), told_guardrail(one))
            for one in reading.guardrails
        ],
        amount=amount,
        power=_power(reading.power, reading),
        power_notes=() if _decided(reading) else reading.power.notes,
        notes=reading.notes,
        footer=f"Written by Rondo · read {moment(reading.read_at)}",
    )


def _decided(reading: Reading) -> bool:
    """Whether nothing is still to come, so that how long it would take is no question any more."""
    return reading.over or reading.judgement != "inconclusive"


def _headline(reading: Reading) -> str:
    if reading.balance.mismatch:
        return "Inconclusive: the groups are not as planned"
    if reading.judgement == "inconclusive" and not reading.over:
        return "Inconclusive so far: the test goes on"
    return HEADLINES[reading.judgement]


def _subtitle(reading: Reading) -> str:
    sides = [
        f"{variant.name} is {variant.version} ({variant.share:.0%})" for variant in reading.plan.variants
    ]
    return f"{', '.join(sides)}; decided by {reading.plan.primary}"


def _facts(reading: Reading) -> list[tuple[str, str]]:
    plan = reading.plan
    ran_s = (reading.read_at - reading.started_at).total_seconds()
    return [
        ("started", moment(reading.started_at)),
        ("ran for", f"{duration(min(ran_s, plan.duration_s))} of {duration(plan.duration_s)}"),
        ("exposed", number(sum(one.exposed for one in reading.variants))),
        (
            "smallest group",
            f"{min(one.n for one in reading.variants):,}, at least {plan.min_sample_size:,} asked",
        ),
        ("groups", "not as planned" if reading.balance.mismatch else _as_planned(reading)),
        ("guardrails", _kept(reading)),
    ]


def _kept(reading: Reading) -> str:
    if not reading.guardrails:
        return "none"
    return f"{sum(one.state == 'fine' for one in reading.guardrails)} of {len(reading.guardrails)} not worse"


def _as_planned(reading: Reading) -> str:
    return "nobody yet" if reading.balance.always_valid is None else "as planned"


def _variant(reading: Reading, place: int) -> dict[str, Any]:
    one, plan = reading.variants[place], reading.plan
    bounds = "–"
    if one.low is not None and one.high is not None:
        bounds = f"[{amount(plan.primary, one.low)}, {amount(plan.primary, one.high)}]"
    return {
        "name": one.variant.name,
        "version": one.variant.version,
        "planned": one.variant.share,
        "found": one.exposed / sum(reading.balance.counts.values())
        if any(reading.balance.counts.values())
        else None,
        "exposed": one.exposed,
        "known": one.known,
        "n": one.n,
        "value": amount(plan.primary, one.value) if one.value is not None else "–",
        "bounds": bounds,
    }


def _power(power: Power, reading: Reading) -> list[tuple[str, str]]:
    """What the test needs, line by line; without what is not known."""
    plan = reading.plan
    what = "requests" if of_requests(plan.primary) else "entities"
    rows = [
        ("smallest change worth finding", f"{plan.minimum_effect:.1%} of control's value"),
        ("chance of finding it", f"{plan.power:.0%}"),
    ]
    if plan.truth.conversion and plan.primary == "conversion_rate":
        rows.append(("a conversion is the outcome", plan.truth.conversion))
    if power.baseline is not None:
        known = f"{amount(plan.primary, power.baseline)} (n = {power.baseline_n:,})"
        rows.append((f"{plan.primary} of control", known))
    if power.effect is not None:
        rows.append(("that change is", amount(plan.primary, power.effect, signed=True)))
    if power.sample is not None:
        rows.append(("needed of the smallest variant, looking at any time", number(power.sample)))
    if power.fixed_sample is not None:
        rows.append(("needed for one look at the end", number(power.fixed_sample)))
    rows.append(("min_sample_size of each variant", number(plan.min_sample_size)))
    return rows if _decided(reading) else [*rows, *_still_to_come(power, reading, what)]


def _still_to_come(power: Power, reading: Reading, what: str) -> Iterator[tuple[str, str]]:
    """How long it takes at the rate so far."""
    if power.per_day is not None:
        yield f"{what} in a day", number(round(power.per_day))
    if power.days_to_minimum is not None:
        yield "days to min_sample_size", number(power.days_to_minimum, 3)
    if power.days_to_sample is not None:
        yield "days to the needed sample", number(power.days_to_sample, 3)
    yield "duration_days", f"{reading.plan.duration_s / _DAY_S:g}"
    if power.detectable is not None:
        yield "smallest change to be found in that time", f"{power.detectable:.1%} of control's value"
