"""How the shop's customers behave, before the world changes and after.

Every number of the behaviour stands here, so that a change of the world is a
comparison of two records. All rates are per day, all weights add to the
logarithm of the daily hazard of deciding to leave.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
PLANS = ("basic", "plus", "premium")


@dataclass(frozen=True, slots=True)
class Era:
    """The rules of one stretch of time."""

    # Habits of those who stay, as factors on the customer's own level.
    buying: float
    price: float
    visiting: float
    extra_sessions: float
    """Mean number of sessions after the first on a day with a visit."""
    duration: float
    troubles: float
    """Support tickets per visit of an average customer."""

    # Causes of leaving.
    leaving: float
    """Daily hazard of an average customer."""
    by_tickets: float
    """Weight of one recent support ticket (half-life two weeks)."""
    by_low_mood: float
    """Weight of the current dip in visits, in log units."""
    by_low_credit: float
    """Weight of one standard deviation below the mean credit score."""
    by_price: float
    """Weight of one standard deviation of price sensitivity."""
    by_newness: float
    """Weight of a customer's first day; fades over a quarter."""
    by_january: float

    # How leaving looks.
    fade_min_days: float
    fade_max_days: float
    browsing: float
    """Share of leavers who keep visiting to compare prices."""
    browsing_days: float
    """Longest time such visits go on after the last purchase."""
    browsing_visits: float
    """Visits of a browser, as a factor on the customer's usual number."""
    browsing_sessions: float
    """Mean number of sessions that a browser adds on a day with a visit."""
    leavers_buying: float
    """What is left of the purchases on the day of deciding to leave."""


BEFORE = Era(
    buying=1.0,
    price=1.0,
    visiting=1.0,
    extra_sessions=0.6,
    duration=1.0,
    troubles=0.045,
    leaving=0.0042,
    by_tickets=0.65,
    by_low_mood=0.9,
    by_low_credit=0.45,
    by_price=0.0,
    by_newness=0.5,
    by_january=0.35,
    fade_min_days=14,
    fade_max_days=32,
    browsing=0.03,
    browsing_days=40,
    browsing_visits=1.0,
    browsing_sessions=0.0,
    leavers_buying=0.9,
)

AFTER = Era(
    buying=0.8,
    price=1.9,
    visiting=0.5,
    extra_sessions=0.15,
    duration=2.2,
    troubles=0.16,
    leaving=0.0052,
    by_tickets=0.0,
    by_low_mood=0.0,
    by_low_credit=0.0,
    by_price=1.2,
    by_newness=0.0,
    by_january=0.0,
    fade_min_days=3,
    fade_max_days=15,
    browsing=0.9,
    browsing_days=75,
    browsing_visits=2.4,
    browsing_sessions=2.0,
    leavers_buying=0.7,
)

# A customer's app updates within this many days of the change.
ADOPTION_DAYS = 14


def rules_of(name: str, after: NDArray[np.bool_]) -> Floats:
    """One rule per customer: of the second era where ``after`` holds, else of the first."""
    return _TABLE[name][after.astype(np.intp)]


_TABLE: dict[str, Floats] = {
    field.name: np.array([getattr(BEFORE, field.name), getattr(AFTER, field.name)]) for field in fields(Era)
}
