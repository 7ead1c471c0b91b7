"""The model registry's aliases and stages follow the state store: told after every change, again if that failed."""

from __future__ import annotations

from datetime import datetime, timedelta

from rondo.errors import Conflict, NotAvailable
from rondo.ports.state import StateStore
from rondo.ports.tracking import ModelRegistry
from rondo.records.failpoints import reached
from rondo.records.holders import is_gone, this_process

LEASE = "deployment"


def mirror_roles(store: StateStore, registry: ModelRegistry, model: str) -> None:
    """Tells the registry what it does not know yet.

    To be called under the deployment lease, so that an older state is never told after a newer one.

    Raises:
        RondoError: the registry did not take it; it is still to be told.
    """
    todo = store.roles_to_mirror()
    if todo is None:
        return
    numbers = {release.version: release.registry_version for release in store.releases()}
    roles = {role: numbers[version] or None if version else None for role, version in todo.roles.items()}
    stages = {numbers[version]: stage for version, stage in todo.stages.items() if numbers[version]}
    registry.set_roles(model, roles, stages)
    reached("roles.told")
    store.roles_mirrored(todo)
    reached("roles.noted")


def reconcile(store: StateStore, registry: ModelRegistry, model: str, *, now: datetime) -> bool:
    """Whether the registry knows everything by now, after telling it what an interrupted command left untold.

    Costs one query when nothing is left. While somebody else deploys, or the registry does not answer, it stays
    untold: the next command tries again.
    """
    if store.roles_to_mirror() is None:
        return True
    try:
        with store.lease(LEASE, this_process(), timedelta(minutes=2), now=now, gone=is_gone):
            mirror_roles(store, registry, model)
    except (Conflict, NotAvailable):
        return False
    return True
