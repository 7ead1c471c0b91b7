"""Which definitions of the feature store's views a released model may still read."""

from __future__ import annotations

from pathlib import Path

from rondo.bundle.plan import FeaturePlan
from rondo.ports.state import StateStore
from rondo.records.files import read_record
from rondo.records.releasing import with_traffic

ROLLBACKS = 3  # how many versions back a rollback finds its rows still kept


def needed_views(state: StateStore, root: Path) -> frozenset[str] | None:
    """The views of every release that serves, waits, or may be rolled back to; None when a bundle is not here.

    Without its bundle nobody knows what a release reads, so nothing may be forgotten.
    """
    asked = {*with_traffic(state.routes()), *state.production_history()[-1 - ROLLBACKS :]}
    found: set[str] = set()
    for release in state.releases():
        if release.stage == "Archived" and release.version not in asked:
            continue
        plan = root / release.bundle / "plan.json"
        if not plan.is_file():
            if release.stage == "None":  # its gates refused it, and it was let go: it reads nothing
                continue
            return None
        found.update(read_record(plan, FeaturePlan).kept_views)
    return frozenset(found)
