"""Monitoring: from what was served to figures, and from figures to alerts.

In:   the prediction log, outcomes, request figures; the reference of the bundle in production
Out:  Observations and Alerts (rondo.records.monitoring), reports/monitoring.html

windows.py          windows of event time, on a grid that never moves
rows.py             the answered rows that a look compares
comparing.py        what a window is compared with: judged rows, the window before, a season earlier
drift.py            how far a distribution has moved, and how far chance alone would move it
drifting.py         every drift figure of a window
performance.py      how right the model was, from outcomes; and an estimate before they come
system.py           latency, errors, processor, memory, accelerators
service_levels.py   what was promised of the running system, with its error budget
business.py         what the model is worth: the online metrics of the contract, from outcomes
judging.py          a figure against its threshold
observing.py        every figure that the contract watches, over its windows
alerting.py         which figures open, keep, fire or close an alert
telling.py          what has to be said to whom
report.py           the page
"""

from __future__ import annotations

from rondo.stages.monitoring.alerting import Alerting, alerts_after
from rondo.stages.monitoring.observing import Evidence, Served, current, drifts, is_live, observe
from rondo.stages.monitoring.report import page, write_report
from rondo.stages.monitoring.service_levels import SERVICE_LEVEL, greatest_sustained_rate
from rondo.stages.monitoring.system import ACCELERATORS
from rondo.stages.monitoring.telling import REMEMBERED, due, message_of, name_of
from rondo.stages.monitoring.windows import window_of

__all__ = [
    "ACCELERATORS",
    "REMEMBERED",
    "SERVICE_LEVEL",
    "Alerting",
    "Evidence",
    "Served",
    "alerts_after",
    "current",
    "drifts",
    "due",
    "greatest_sustained_rate",
    "is_live",
    "message_of",
    "name_of",
    "observe",
    "page",
    "window_of",
    "write_report",
]
