"""Records: what one stage leaves for the next, frozen.

dataset.py      Dataset, Extract, Check            files.py    records as JSON files, published whole
features.py     FeatureTable, Parity               layout.py   where everything of a project lies
candidate.py    Candidate, TrainingResult, Measured
verdict.py      Verdict, Gate
rollout.py      Rollout, Phase, Evidence
release.py      Release, Routes, Switch, ServerReport, Event
releasing.py    the rules of releasing that every state store keeps
holders.py      names of processes that hold something
access.py       who may do what at an address
address.py      the address itself: taken, and written down
failpoints.py   moments at which a test may kill the process
prediction.py   Prediction, Outcome, RequestFigures
metrics.py      what metrics mean, for training, validation and monitoring alike
weighted_metrics.py   their formulas under row weights
ranking.py      lists: which rows belong together, and how good their order is
series.py       the seasonal naive forecast
outcomes.py     what the text of an outcome means
intervals.py    intervals of rates, means, quantiles, and of their differences
experiment.py   ExperimentPlan, Reading
monitoring.py   Observation, Alert, Decision
"""
