"""What the customers do: one day after the other, all customers of a day at once.

A day draws from its own stream of randomness and knows only the days before
it. That is why a longer world begins exactly as the shorter one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from rondo.shop.eras import Floats, rules_of
from rondo.shop.people import LIFE, Ints, People, day_stream
from rondo.shop.seasons import buying_season, january, visiting_season
from rondo.shop.spec import ShopSpec

Bools = NDArray[np.bool_]

STAYING, FADING, BROWSING, GONE = 0, 1, 2, 3
_NEVER = np.iinfo(np.int64).max

_TICKET_MEMORY = 0.5 ** (1 / 14)
_MOOD_MEMORY = 0.985
_MOOD_NOISE = 0.055
_HOLIDAYS = 0.0018
_HIGHEST_HAZARD = 0.12
CATEGORIES = ("grocery", "household", "beauty", "electronics", "toys", "garden")


@dataclass(frozen=True, slots=True)
class Day:
    """What one day left: a row per order (``order_*``) and per active customer (``event_*``).

    ``*_who`` are positions in ``People``.
    """

    number: int
    order_who: Ints
    order_second: Ints
    order_amount: Floats
    order_items: Ints
    order_category: Ints
    event_who: Ints
    event_sessions: Ints
    event_seconds: Floats
    event_tickets: Ints
    event_new_app: Bools


@dataclass(slots=True)
class _State:
    """Where every customer stands; written by the loop of ``live`` only."""

    phase: Ints
    decided: Ints
    fade_days: Floats
    browse_days: Floats
    browse_visits: Floats
    browse_sessions: Floats
    still_buys: Floats
    mood: Floats
    tickets: Floats
    away_until: Ints
    left: Ints

    @classmethod
    def fresh(cls, count: int) -> _State:
        whole = np.zeros((2, count), dtype=np.int64)
        real = np.zeros((7, count))
        return cls(whole[0], np.full(count, _NEVER), *real, whole[1], np.full(count, _NEVER))


def live(spec: ShopSpec, people: People) -> tuple[list[Day], Ints, Ints]:
    """All days in order; the day number on which each customer decided to leave; and made the last purchase.

    Both are the largest integer for those who never did.
    """
    state = _State.fresh(len(people))
    days = list(_days(spec, people, state))
    return days, state.decided, state.left


def _days(spec: ShopSpec, people: People, state: _State) -> Iterator[Day]:
    change = _NEVER if spec.change_day is None else spec.day_number(spec.change_day)
    here = np.empty(0, dtype=np.int64)
    arrived = 0
    for number in range(spec.days):
        newest = int(np.searchsorted(people.joined, number, side="right"))
        here = np.concatenate([here[state.phase[here] != GONE], np.arange(arrived, newest)])
        arrived = newest
        rng = day_stream(spec, LIFE, number)
        day = spec.start + timedelta(days=number)
        repriced = np.full(len(here), number >= change)
        updated = repriced & (number - change >= people.adopts_after[here])
        _move_mood(rng, state, here, number)
        _decide(rng, people, state, here, number, january(day), repriced)
        _advance(state, here, number)
        yield _act(rng, people, state, here, number, day, repriced, updated)


def _move_mood(rng: np.random.Generator, state: _State, here: Ints, number: int) -> None:
    """Let interest drift, and send some customers on holiday."""
    state.mood[here] = _MOOD_MEMORY * state.mood[here] + _MOOD_NOISE * rng.standard_normal(len(here))
    state.tickets[here] *= _TICKET_MEMORY
    off = here[rng.random(len(here)) < _HOLIDAYS]
    state.away_until[off] = number + rng.integers(7, 29, size=len(off))


def daily_hazard(
    people: People, here: Ints, mood: Floats, tickets: Floats, number: int, is_january: float, repriced: Bools
) -> Floats:
    """Probability of deciding today to leave, for each of the customers at the positions ``here``."""
    weight = (
        rules_of("by_tickets", repriced) * np.minimum(tickets, 3.0)
        - rules_of("by_low_mood", repriced) * mood
        + rules_of("by_low_credit", repriced) * (685 - people.credit[here]) / 62
        + rules_of("by_price", repriced) * people.price_sensitivity[here]
        + rules_of("by_newness", repriced) * np.exp(-(number - people.joined[here]) / 90)
        + rules_of("by_january", repriced) * is_january
        - 0.3 * people.loyalty[here]
    )
    hazard: Floats = np.minimum(rules_of("leaving", repriced) * np.exp(weight), _HIGHEST_HAZARD)
    return hazard


def _decide(
    rng: np.random.Generator,
    people: People,
    state: _State,
    here: Ints,
    number: int,
    is_january: float,
    repriced: Bools,
) -> None:
    hazard = daily_hazard(people, here, state.mood[here], state.tickets[here], number, is_january, repriced)
    decides = (rng.random(len(here)) < hazard) & (state.phase[here] == STAYING)
    who, era = here[decides], repriced[decides]
    shortest, longest = rules_of("fade_min_days", era), rules_of("fade_max_days", era)
    browses = rng.random(len(who)) < rules_of("browsing", era)
    state.phase[who] = FADING
    state.decided[who] = number
    state.fade_days[who] = shortest + (longest - shortest) * rng.random(len(who))
    state.browse_visits[who] = rules_of("browsing_visits", era)
    state.browse_sessions[who] = browses * rules_of("browsing_sessions", era)
    state.still_buys[who] = rules_of("leavers_buying", era)
    state.browse_days[who] = browses * rules_of("browsing_days", era) * (0.5 + 0.5 * rng.random(len(who)))


def _advance(state: _State, here: Ints, number: int) -> None:
    """Turn those whose fading or browsing is over into browsers and leavers."""
    fading = here[state.phase[here] >= FADING]
    days = number - state.decided[fading]
    bought_last = days >= state.fade_days[fading]
    over = days >= state.fade_days[fading] + state.browse_days[fading]
    ended = fading[bought_last & (state.phase[fading] == FADING)]
    state.left[ended] = number
    state.phase[ended] = BROWSING
    state.phase[fading[over]] = GONE


def _act(
    rng: np.random.Generator,
    people: People,
    state: _State,
    here: Ints,
    number: int,
    day: date,
    repriced: Bools,
    updated: Bools,
) -> Day:
    will_buy, will_visit = _wills(state, here, number)
    buying = people.buying[here] * rules_of("buying", repriced) * buying_season(day) * will_buy
    orders = rng.poisson(buying * np.exp(0.4 * state.mood[here]))
    visiting = people.visiting[here] * rules_of("visiting", updated) * visiting_season(day) * will_visit
    visits = rng.random(len(here)) < np.minimum(visiting * np.exp(state.mood[here]), 0.97)
    visits |= orders > 0
    who, new_app = here[visits], updated[visits]

    sessions = 1 + rng.poisson(rules_of("extra_sessions", new_app) + state.browse_sessions[who])
    pace = np.exp(0.5 * rng.standard_normal(len(who)) - 0.125)
    seconds = np.maximum(
        1.0, (sessions * people.duration[who] * rules_of("duration", new_app) * pace).round()
    )
    tickets = rng.poisson(rules_of("troubles", new_app) * people.troubles[who])
    state.tickets[who] += tickets

    buyer = np.repeat(np.arange(len(here)), orders)
    items = 1 + rng.poisson(1.4, size=len(buyer))
    basket = np.exp(0.35 * rng.standard_normal(len(buyer)) - 0.06) * items / 2.4
    amount = people.spend[here[buyer]] * rules_of("price", repriced[buyer]) * basket
    second = _clock(rng, len(buyer))
    order = np.argsort(second, kind="stable")
    return Day(
        number=number,
        order_who=here[buyer][order],
        order_second=second[order],
        order_amount=np.maximum(0.5, amount.round(2))[order],
        order_items=items[order],
        order_category=rng.choice(len(CATEGORIES), size=len(buyer), p=_category_shares(day))[order],
        event_who=who,
        event_sessions=sessions,
        event_seconds=seconds,
        event_tickets=tickets,
        event_new_app=new_app,
    )


def _wills(state: _State, here: Ints, number: int) -> tuple[Floats, Floats]:
    """How much of their usual buying and visiting is left, each from 0 to 1 (browsers visit up to 1.3)."""
    left = np.ones(len(here))
    leaving = state.phase[here] >= FADING
    who = here[leaving]
    left[leaving] = np.clip(1 - (number - state.decided[who]) / state.fade_days[who], 0, 1)
    browses = leaving & (state.browse_days[here] > 0)
    will_visit = np.where(browses, state.browse_visits[here], left)
    will_buy = np.where(leaving, state.still_buys[here] * left, 1.0)
    gone = state.phase[here] == GONE
    at_home = np.where(state.away_until[here] > number, 0.03, 1.0) * ~gone
    return will_buy * at_home, will_visit * at_home


def _clock(rng: np.random.Generator, count: int) -> Ints:
    """Seconds of the day: half of the orders around noon, half in the evening."""
    hour = np.where(rng.random(count) < 0.45, 12.5, 19.5) + 2.0 * rng.standard_normal(count)
    seconds: Ints = (hour * 3600).astype(np.int64) % 86_400
    return seconds


def _category_shares(day: date) -> Floats:
    shares = np.array([0.34, 0.22, 0.16, 0.12, 0.08, 0.08])
    shares[4] *= 2.5 if day.month in (11, 12) else 1.0
    shares[5] *= 2.5 if day.month in (4, 5, 6) else 0.4
    normed: Floats = shares / shares.sum()
    return normed
