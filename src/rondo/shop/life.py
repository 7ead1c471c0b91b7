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
_HOLIDAYS = 0.0012
_HIGHEST_HAZARD = 0.12
_BY_LOYALTY = 0.3
_LEAVERS_VISITING = 0.65
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
    """Where every customer stands, one entry each; written by the steps of a day only."""

    phase: Ints
    decided: Ints
    left: Ints
    away_until: Ints
    mood: Floats
    tickets: Floats
    fade_days: Floats
    still_buys: Floats
    browse_days: Floats
    browse_visits: Floats
    browse_sessions: Floats

    @classmethod
    def fresh(cls, count: int) -> _State:
        return cls(
            phase=np.full(count, STAYING),
            decided=np.full(count, _NEVER),
            left=np.full(count, _NEVER),
            away_until=np.zeros(count, dtype=np.int64),
            mood=np.zeros(count),
            tickets=np.zeros(count),
            fade_days=np.zeros(count),
            still_buys=np.zeros(count),
            browse_days=np.zeros(count),
            browse_visits=np.zeros(count),
            browse_sessions=np.zeros(count),
        )


@dataclass(frozen=True, slots=True)
class _Today:
    """A day before anybody has done anything: who is here, and under which rules each of them."""

    number: int
    date: date
    rng: np.random.Generator
    here: Ints
    repriced: Bools
    updated: Bools


def live(spec: ShopSpec, people: People) -> tuple[list[Day], Ints, Ints]:
    """All days in order; the day number on which each customer decided to leave; and stopped buying.

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
        repriced = np.full(len(here), number >= change)
        today = _Today(
            number=number,
            date=spec.start + timedelta(days=number),
            rng=day_stream(spec, LIFE, number),
            here=here,
            repriced=repriced,
            updated=repriced & (number - change >= people.adopts_after[here]),
        )
        _drift(state, today)
        _decide(people, state, today)
        _advance(state, today)
        yield _act(people, state, today)


def _drift(state: _State, today: _Today) -> None:
    """Let interest drift and troubles be forgotten, and send some customers on holiday."""
    here, rng = today.here, today.rng
    state.mood[here] = _MOOD_MEMORY * state.mood[here] + _MOOD_NOISE * rng.standard_normal(len(here))
    state.tickets[here] *= _TICKET_MEMORY
    off = here[rng.random(len(here)) < _HOLIDAYS]
    state.away_until[off] = today.number + rng.integers(7, 29, size=len(off))


def _hazard(people: People, state: _State, today: _Today) -> Floats:
    """Probability of deciding today to leave, for each of those who are here."""
    here, era = today.here, today.repriced
    weight = (
        rules_of("by_tickets", era) * np.minimum(state.tickets[here], 3.0)
        - rules_of("by_low_mood", era) * state.mood[here]
        + rules_of("by_low_credit", era) * (685 - people.credit[here]) / 62
        + rules_of("by_price", era) * people.price_sensitivity[here]
        + rules_of("by_newness", era) * np.exp(-(today.number - people.joined[here]) / 90)
        + rules_of("by_january", era) * january(today.date)
        - _BY_LOYALTY * people.loyalty[here]
    )
    hazard: Floats = np.minimum(rules_of("leaving", era) * np.exp(weight), _HIGHEST_HAZARD)
    return hazard


def _decide(people: People, state: _State, today: _Today) -> None:
    """Let some of those who stay decide to leave, and settle how their leaving will look."""
    decides = today.rng.random(len(today.here)) < _hazard(people, state, today)
    decides &= state.phase[today.here] == STAYING
    who, era = today.here[decides], today.repriced[decides]
    shortest, longest = rules_of("fade_min_days", era), rules_of("fade_max_days", era)
    browses = today.rng.random(len(who)) < rules_of("browsing", era)
    state.phase[who] = FADING
    state.decided[who] = today.number
    state.fade_days[who] = shortest + (longest - shortest) * today.rng.random(len(who))
    state.still_buys[who] = rules_of("leavers_buying", era)
    state.browse_days[who] = browses * rules_of("browsing_days", era) * today.rng.uniform(0.5, 1, len(who))
    state.browse_visits[who] = browses * rules_of("browsing_visits", era)
    state.browse_sessions[who] = browses * rules_of("browsing_sessions", era)


def _advance(state: _State, today: _Today) -> None:
    """Move on those whose fading or browsing is over."""
    leaving = today.here[state.phase[today.here] >= FADING]
    days = today.number - state.decided[leaving]
    faded = days >= state.fade_days[leaving]
    stopped = leaving[faded & (state.phase[leaving] == FADING)]
    state.left[stopped] = today.number
    state.phase[stopped] = BROWSING
    state.phase[leaving[days >= state.fade_days[leaving] + state.browse_days[leaving]]] = GONE


def _act(people: People, state: _State, today: _Today) -> Day:
    """Let everybody visit, buy and complain; the tickets are remembered."""
    here, rng = today.here, today.rng
    will_buy, will_visit = _wills(state, today)
    buying = people.buying[here] * rules_of("buying", today.repriced) * buying_season(today.date) * will_buy
    orders = rng.poisson(buying * np.exp(0.4 * state.mood[here]))
    visiting = people.visiting[here] * rules_of("visiting", today.updated) * visiting_season(today.date)
    visits = rng.random(len(here)) < np.minimum(visiting * will_visit * np.exp(state.mood[here]), 0.97)
    visits |= orders > 0

    who, new_app = here[visits], today.updated[visits]
    sessions = 1 + rng.poisson(rules_of("extra_sessions", new_app) + state.browse_sessions[who])
    pace = (
        people.duration[who]
        * rules_of("duration", new_app)
        * np.exp(0.5 * rng.standard_normal(len(who)) - 0.125)
    )
    tickets = rng.poisson(rules_of("troubles", new_app) * people.troubles[who])
    state.tickets[who] += tickets

    buyer = np.repeat(here, orders)
    price = np.repeat(rules_of("price", today.repriced), orders)
    # In the order of the clock, which is not the order of signing up.
    turn = rng.permutation(len(buyer))
    buyer, price, second = buyer[turn], price[turn], np.sort(_clock(rng, len(buyer)))
    items = 1 + rng.poisson(1.4, size=len(buyer))
    amount = people.spend[buyer] * price * np.exp(0.35 * rng.standard_normal(len(buyer)) - 0.06) * items / 2.4
    return Day(
        number=today.number,
        order_who=buyer,
        order_second=second,
        order_amount=np.maximum(0.5, amount.round(2)),
        order_items=items,
        order_category=rng.choice(len(CATEGORIES), size=len(buyer), p=_category_shares(today.date)),
        event_who=who,
        event_sessions=sessions,
        event_seconds=np.maximum(1.0, (sessions * pace).round()),
        event_tickets=tickets,
        event_new_app=new_app,
    )


def _wills(state: _State, today: _Today) -> tuple[Floats, Floats]:
    """What is left of everybody's usual buying and visiting, as factors (above 1 for some)."""
    here = today.here
    leaving = state.phase[here] >= FADING
    who = here[leaving]
    left = np.clip(1 - (today.number - state.decided[who]) / state.fade_days[who], 0, 1)
    will_buy, will_visit = np.ones(len(here)), np.ones(len(here))
    will_buy[leaving] = state.still_buys[who] * left
    will_visit[leaving] = np.where(
        state.browse_days[who] > 0, state.browse_visits[who], _LEAVERS_VISITING * left
    )
    present = np.where(state.away_until[here] > today.number, 0.03, 1.0) * (state.phase[here] != GONE)
    return will_buy * present, will_visit * present


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
