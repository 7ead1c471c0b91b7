"""Experiments: two versions side by side until the data say which is better, however often one looks.

In:   the plan of the contract; predictions and outcomes of the log, figures of the servers
Out:  a Reading with its verdict (rondo.records.experiment), reports/experiment_<name>.html

planning.py    which version is which side, what counts as a conversion, how much worse a guardrail may be
power.py       how large the test has to be, and how long that takes
exposure.py    who was answered by which variant, and what became of them
balance.py     whether the groups have the planned sizes
estimates.py   a variant's value of a metric
sequence.py    how far an interval reaches that holds at every look at once
comparing.py   treatment against control: the primary metric and the guardrails
judging.py     ship, hold, reject or inconclusive, in words
reading.py     one look, all of it together
report.py      the page
"""

from __future__ import annotations

from rondo.stages.experiments.judging import amount, told_effect, told_guardrail
from rondo.stages.experiments.planning import plan_of
from rondo.stages.experiments.power import power_of
from rondo.stages.experiments.reading import Logged, before_the_test, read
from rondo.stages.experiments.report import experiment_page

__all__ = [
    "Logged",
    "amount",
    "before_the_test",
    "experiment_page",
    "plan_of",
    "power_of",
    "read",
    "told_effect",
    "told_guardrail",
]
