"""The dirt of real tracking: rows never recorded, nulls, and values far too large.

It is drawn from a stream of its own, so a clean world (``dirt=0``) has the
same customers doing the same things.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rondo.shop.life import Day
from rondo.shop.people import DIRT, day_stream
from rondo.shop.spec import ShopSpec

OUTLIER_FACTOR = 20.0


def soil(spec: ShopSpec, day: Day) -> Day:
    """The day as it was recorded: event rows lost, durations NaN, durations and amounts inflated."""
    rng = day_stream(spec, DIRT, day.number)
    lost, nulled, inflated = rng.random((3, len(day.event_who)))
    bulk = rng.random(len(day.order_who)) < spec.dirt / 5
    kept = lost >= spec.dirt
    seconds = np.where(inflated < spec.dirt / 5, day.event_seconds * OUTLIER_FACTOR, day.event_seconds)
    seconds = np.where(nulled < spec.dirt, np.nan, seconds)
    return replace(
        day,
        order_amount=np.where(bulk, (day.order_amount * OUTLIER_FACTOR).round(2), day.order_amount),
        event_who=day.event_who[kept],
        event_sessions=day.event_sessions[kept],
        event_seconds=seconds[kept],
        event_tickets=day.event_tickets[kept],
        event_new_app=day.event_new_app[kept],
    )
