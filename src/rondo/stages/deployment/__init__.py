"""Deployment: from a judged bundle to the release that answers requests.

In:   a Verdict and its bundle, Evidence            (rondo.records, rondo.bundle)
Out:  a Release, a Rollout, the Routes, Events      (rondo.records)
Asks: StateStore, ModelRegistry                     (rondo.ports)

register.py         a judged bundle becomes a release
verified.py         a bundle that was just found whole
strategies.py       the phases of a rollout: blue/green, canary, shadow, experiment, as data
step.py             where a rollout goes next, and what a person may ask of it: one pure function
judging.py          the judges of the phases: from figures to ship, reject or inconclusive
preflight.py        the judge before any traffic
comparing.py        one version against the contract's limits and against the other version
sequences.py        intervals that hold at every look at once
freezing.py         how many automatic rollbacks there were in a row
moving.py           the change of routes that a step comes to
explain_rollout.py  tells a rollout
plan.py             the steps of a promotion or a rollback by hand, decided from what stands
carry_out.py        does the steps
explain.py          tells the steps
servers.py          whether the running servers hold a version ready
leasing.py          one deployment at a time
mirror.py           the model registry's aliases and stages follow the state store
history.py          what served when
letting_go.py       which bundles must stay on this machine
deployer.py         ModelDeployer: the same semantics on a model registry alone
"""

from __future__ import annotations

from rondo.stages.deployment.carry_out import (
    Means,
    not_ready,
    promote,
    rollback,
    tell_registry,
    warm_up,
)
from rondo.stages.deployment.comparing import Side
from rondo.stages.deployment.deployer import ModelDeployer
from rondo.stages.deployment.explain import explain, tell
from rondo.stages.deployment.explain_rollout import (
    PhaseStanding,
    explain_phase,
    tell_evidence,
    tell_figures,
    tell_phases,
    tell_rollout,
)
from rondo.stages.deployment.freezing import AUTOMATIC, BY_HAND, OVERRULED, TELLING, rollbacks_in_a_row
from rondo.stages.deployment.history import MOVES, served_at
from rondo.stages.deployment.judging import Window, count_agreed, judge_canary, judge_shadow, judge_watch
from rondo.stages.deployment.leasing import leased
from rondo.stages.deployment.letting_go import Needed, needed
from rondo.stages.deployment.mirror import LEASE, reconcile
from rondo.stages.deployment.moving import gets_traffic, move_of, switch_for
from rondo.stages.deployment.plan import (
    Done,
    NothingBefore,
    Patience,
    Plan,
    Standing,
    plan_promotion,
    plan_rollback,
    releasable,
)
from rondo.stages.deployment.register import REGISTRATION, register
from rondo.stages.deployment.servers import Readiness
from rondo.stages.deployment.step import (
    ANSWERS_CLIENTS,
    GoBack,
    Promote,
    Shift,
    Stepped,
    Tell,
    abort,
    accepted,
    approve,
    begin,
    overruled,
    pause,
    resume,
    step,
    unready,
)
from rondo.stages.deployment.strategies import experiment_phases, phases_of
from rondo.stages.deployment.verified import VerifiedBundle, verify_bundle

__all__ = [
    "ANSWERS_CLIENTS",
    "AUTOMATIC",
    "BY_HAND",
    "LEASE",
    "MOVES",
    "OVERRULED",
    "REGISTRATION",
    "TELLING",
    "Done",
    "GoBack",
    "Means",
    "ModelDeployer",
    "Needed",
    "NothingBefore",
    "Patience",
    "PhaseStanding",
    "Plan",
    "Promote",
    "Readiness",
    "Shift",
    "Side",
    "Standing",
    "Stepped",
    "Tell",
    "VerifiedBundle",
    "Window",
    "abort",
    "accepted",
    "approve",
    "begin",
    "count_agreed",
    "experiment_phases",
    "explain",
    "explain_phase",
    "gets_traffic",
    "judge_canary",
    "judge_shadow",
    "judge_watch",
    "leased",
    "move_of",
    "needed",
    "not_ready",
    "overruled",
    "pause",
    "phases_of",
    "plan_promotion",
    "plan_rollback",
    "promote",
    "reconcile",
    "register",
    "releasable",
    "resume",
    "rollback",
    "rollbacks_in_a_row",
    "served_at",
    "step",
    "switch_for",
    "tell",
    "tell_evidence",
    "tell_figures",
    "tell_phases",
    "tell_registry",
    "tell_rollout",
    "unready",
    "verify_bundle",
    "warm_up",
]
