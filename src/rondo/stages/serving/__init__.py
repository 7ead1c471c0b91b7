"""Serving: from requests to predictions, and from outcomes back to their predictions.

In:   routes and releases           (rondo.ports.state), bundles   (rondo.bundle)
Out:  Prediction, Outcome, RequestFigures                          (rondo.records)
Asks: StateStore, OnlineValues, PredictionWriter, PredictionLog    (rondo.ports)

application.py  the short way of predictions     routing.py     shares, and the same version for the same key
others.py       every other address              keeping.py     follows the state store, loads before it switches
entering.py     who may come in, with what       versions.py    a version that is ready to answer
bodies.py       the whole body, with bounds      answering.py   rows to answers and log records
decoding.py     JSON, strictly                   scoring.py     rows to scores, for all of them
asking.py       rows, from each protocol         ranking.py     lists of items
replying.py     answers, in each protocol        explaining.py  what made them what they are
repeating.py    the same request again           joining.py     rows that arrive together
feedback.py     outcomes, once                   mirroring.py   a shadow, unseen
recording.py    outcomes, written down           corrections.py  how many outcomes a client may change
leaving.py      clients that do not wait         describing.py  OpenAPI and the page for people
figures.py      Prometheus and our own monitor   problems.py    what is not an answer
"""

from __future__ import annotations

from rondo.stages.serving.application import Application, Parts
from rondo.stages.serving.keeping import RouteKeeper
from rondo.stages.serving.versions import ServedVersion, make_ready

__all__ = ["Application", "Parts", "RouteKeeper", "ServedVersion", "make_ready"]
