"""Weekly and yearly seasons of the shop: factors with mean close to 1."""

from __future__ import annotations

import math
from datetime import date

# Monday to Sunday.
_BUYING_BY_WEEKDAY = (0.86, 0.84, 0.88, 0.95, 1.12, 1.25, 1.10)
_VISITING_BY_WEEKDAY = (0.97, 0.95, 0.96, 0.98, 1.02, 1.08, 1.04)


def buying_season(day: date) -> float:
    """Factor on the rate of purchases: high on Saturdays and before Christmas, low in summer."""
    christmas = 0.45 * math.exp(-(((_year_day(day) - 345) / 18) ** 2))
    summer = -0.12 * math.exp(-(((_year_day(day) - 205) / 30) ** 2))
    return _BUYING_BY_WEEKDAY[day.weekday()] * (0.97 + christmas + summer)


def visiting_season(day: date) -> float:
    """Factor on the probability of a visit; follows the purchases, more gently."""
    christmas = 0.12 * math.exp(-(((_year_day(day) - 345) / 18) ** 2))
    summer = -0.10 * math.exp(-(((_year_day(day) - 205) / 30) ** 2))
    return _VISITING_BY_WEEKDAY[day.weekday()] * (1.0 + christmas + summer)


def sign_up_season(day: date) -> float:
    """Factor on the rate of sign-ups: campaigns in spring and autumn."""
    return 1.0 + 0.15 * math.sin(4 * math.pi * (_year_day(day) - 45) / 365.25)


def january(day: date) -> float:
    """1 in January, when people look at what they pay for, else 0."""
    return 1.0 if day.month == 1 else 0.0


def _year_day(day: date) -> int:
    return day.timetuple().tm_yday
