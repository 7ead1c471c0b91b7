"""ModelDeployer: promotion and rollback on a model registry alone, as in a notebook.

The release history is kept in aliases: `production`, `previous`, `previous-2`, `previous-3` … . Aliases are moved one
by one, so the order matters: a promotion moves `production` last, a rollback moves it first. Whoever is
killed in between leaves the history of before or of after (a version twice in a row counts once).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from rondo.ports.tracking import ModelRegistry
from rondo.records.failpoints import reached
from rondo.records.release import ROLLED_BACK, RegistryStage
from rondo.records.releasing import history_after
from rondo.stages.deployment.plan import NothingBefore

DEPTH = 10
CANDIDATE = "candidate"


class ModelDeployer:
    """Moves versions of registered models in and out of production; versions are the registry's own numbers."""

    def __init__(self, registry: ModelRegistry) -> None:
        self._registry = registry

    def get_production_model(self, model_name: str) -> str | None:
        """The number of the version in production."""
        return self._registry.roles(model_name).get("production")

    def history(self, model_name: str) -> tuple[str, ...]:
        """The versions that were in production, oldest first, the present one last."""
        return history_in(self._registry.roles(model_name))

    def promote_to_production(self, model_name: str, version: str, archive_current: bool = True) -> str:
        """The version, now the one in production; the one before is archived, or kept in Staging.

        Raises:
            NotAvailable: the registry has no such version; nothing was changed.
        """
        version = str(version)
        before = self.history(model_name)
        after = history_after(before, version, kind="")
        stages: dict[str, RegistryStage] = {version: "Production"}
        if before and before[-1] != version:
            stages[before[-1]] = "Archived" if archive_current else "Staging"
        # A version that does not exist is refused here, before anything has moved.
        self._registry.set_roles(model_name, {CANDIDATE: version}, {})
        self._registry.set_roles(model_name, {**promoting(after), CANDIDATE: None}, stages)
        reached("deployer.promoted")
        return version

    def rollback(self, model_name: str) -> str:
        """The version before, now in production again; twice goes two versions back.

        Raises:
            NothingBefore: there is none (also ValueError, also Conflict); nothing was changed.
        """
        before = self.history(model_name)
        if len(before) < 2:
            raise NothingBefore(
                f"no version of {model_name} was in production before {before[-1] if before else 'any'}",
                rule="A rollback follows the release history.",
                mend="Promote a version instead.",
            )
        after = history_after(before, before[-2], kind=ROLLED_BACK)
        stages: dict[str, RegistryStage] = {after[-1]: "Production", before[-1]: "Archived"}
        self._registry.set_roles(model_name, rolling_back(before, after), stages)
        reached("deployer.rolled_back")
        return after[-1]


def history_in(roles: Mapping[str, str]) -> tuple[str, ...]:
    """The release history that the aliases tell, oldest first."""
    found = [roles[name] for name in reversed(_names(DEPTH)) if name in roles]
    return tuple(version for version, _ in groupby(found))


def promoting(history: Sequence[str]) -> dict[str, str | None]:
    """The aliases of the history in the order in which a promotion sets them: production last."""
    newest_first = list(reversed(history))[:DEPTH]
    names = _names(len(newest_first))
    return dict(reversed(list(zip(names, newest_first, strict=True))))


def rolling_back(before: Sequence[str], after: Sequence[str]) -> dict[str, str | None]:
    """The aliases of the history in the order in which a rollback sets them: production first."""
    roles: dict[str, str | None] = dict.fromkeys(_names(min(len(before), DEPTH)))
    return {**roles, **dict(zip(_names(len(after)), reversed(after), strict=True))}


def _names(count: int) -> list[str]:
    numbered = [f"previous-{number}" for number in range(2, count)]
    return ["production", "previous", *numbered][:count]
