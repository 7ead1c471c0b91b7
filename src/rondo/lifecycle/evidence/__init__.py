"""The judges of a rollout: a file per kind of phase, each with `gather(workshop, rollout, now) -> Evidence`.

They read what was served and measured, and let a pure function of a room judge it.

preflight.py    before any traffic: bundle, golden rows, a load test in a server of its own
shadow.py       mirrored requests, beside what clients got
canary.py       a share of the requests, against the version in production
experiment.py   an A/B test
watch.py        what was just promoted, against the contract's limits
answers.py      what they read: each version's answers in a window
"""
