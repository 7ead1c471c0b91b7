"""The change of routes that an action of a rollout comes to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rondo.records.release import PROMOTED, ROLLED_BACK, ROUTES_SHIFTED, Routes, Switch
from rondo.records.releasing import history_after
from rondo.stages.deployment.step import Action, GoBack, Promote, Shift

Move = Shift | Promote | GoBack


def move_of(actions: Iterable[Action]) -> Move | None:
    """The one action that moves traffic."""
    return next((action for action in actions if isinstance(action, Shift | Promote | GoBack)), None)


def gets_traffic(move: Move | None) -> tuple[str, ...]:
    """The versions that the move sends requests to, mirrored ones included."""
    match move:
        case Shift(weights, shadow):
            return (
                *(version for version, share in weights.items() if share > 0),
                *([shadow] if shadow else []),
            )
        case Promote(version) | GoBack(version):
            return (version,)
        case None:
            return ()


def switch_for(
    move: Move,
    *,
    routes: Routes,
    history: Sequence[str],
    by: str,
    reason: str,
    fence: tuple[str, int] | None,
) -> Switch | None:
    """The change, decided on these routes; None when they are so already.

    Raises:
        Conflict: it goes back to a version that is not below the present one in the history.
    """
    if isinstance(move, Shift):
        kind, production = ROUTES_SHIFTED, history[-1]
        weights = {version: share for version, share in move.weights.items() if share > 0}
        shadow = move.shadow
        if (dict(routes.weights), routes.shadow) == (weights, shadow):
            return None
    else:
        kind = PROMOTED if isinstance(move, Promote) else ROLLED_BACK
        production, weights, shadow = move.version, {move.version: 1.0}, None
    below = history_after(history, production, kind=kind)[:-1]
    return Switch(
        production=production,
        previous=below[-1] if below else None,
        weights=weights,
        shadow=shadow,
        kind=kind,
        by=by,
        reason=reason,
        expected_generation=routes.generation,
        fence=fence,
    )
