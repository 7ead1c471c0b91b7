"""Deployment: from a judged bundle to the release that answers requests.

In:   a Verdict and its bundle          (rondo.records, rondo.bundle)
Out:  a Release, the Routes, Events     (rondo.records)
Asks: StateStore, ModelRegistry         (rondo.ports)

register.py    a judged bundle becomes a release
plan.py        the steps of a promotion or a rollback, decided from what stands
carry_out.py   does the steps
explain.py     tells the steps
servers.py     whether the running servers hold a version ready
mirror.py      the model registry's aliases and stages follow the state store
history.py     what served when
deployer.py    ModelDeployer: the same semantics on a model registry alone
"""

from __future__ import annotations

from rondo.stages.deployment.carry_out import Done, Means, promote, rollback
from rondo.stages.deployment.deployer import ModelDeployer
from rondo.stages.deployment.explain import explain, tell
from rondo.stages.deployment.history import served_at
from rondo.stages.deployment.mirror import reconcile
from rondo.stages.deployment.plan import (
    NothingBefore,
    Patience,
    Plan,
    Standing,
    plan_promotion,
    plan_rollback,
)
from rondo.stages.deployment.register import register
from rondo.stages.deployment.verified import VerifiedBundle, verify_bundle

__all__ = [
    "Done",
    "Means",
    "ModelDeployer",
    "NothingBefore",
    "Patience",
    "Plan",
    "Standing",
    "VerifiedBundle",
    "explain",
    "plan_promotion",
    "plan_rollback",
    "promote",
    "reconcile",
    "register",
    "rollback",
    "served_at",
    "tell",
    "verify_bundle",
]
