"""Monitoring: from what was served to figures, and from figures to alerts.

In:   the prediction log, outcomes, request figures; the reference of the bundle in production
Out:  Observations and Alerts (rondo.records.monitoring)

drift.py         how far a distribution has moved, and how far chance alone would move it
performance.py   how right the model was, from outcomes
system.py        latency, errors, processor and memory
observing.py     every figure that the contract watches, over its window
alerting.py      which figures open, keep or close an alert
"""

from __future__ import annotations

from rondo.stages.monitoring.alerting import Alerting, alerts_after
from rondo.stages.monitoring.observing import Evidence, Served, observe

__all__ = ["Alerting", "Evidence", "Served", "alerts_after", "observe"]
