"""The judges of a rollout: a file per kind of phase, each with `gather(workshop, rollout, now) -> Evidence`.

They read what was served and measured, and let a pure function of a room judge it. They never change anything.
"""
