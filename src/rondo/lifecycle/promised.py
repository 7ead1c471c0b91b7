"""What the version in production promises its clients, beside what the project file asks for now."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from rondo.errors import Conflict
from rondo.lifecycle.workshop import Workshop

Terms = Mapping[str, str]


def keep_promise(workshop: Workshop) -> None:
    """Nothing, when clients of the version in production would understand the next one.

    Neither when a version with the present terms is registered already: somebody has said that it is meant.

    Raises:
        Conflict: the file predicts something else than what is in production.
    """
    root, state = workshop.layout.root, workshop.state
    production = state.production()
    if production is None:
        return
    asked = _asked(workshop)
    if not (changed := _changes(_given(root / production.bundle), asked)):
        return
    if any(_given(root / release.bundle) == asked for release in state.releases()):
        return
    raise Conflict(
        f"version {production.version} in production answers another question: {'; '.join(changed)}",
        where=workshop.loaded.where("ml_problem"),
        rule="Whoever asks a deployment knows its answers by their problem, target and entity",
        mend="Put the old file back, make a project of its own of the new one, or, when every client knows, "
        "run `rondo run --new-version`",
    )


def _changes(given: Terms, asked: Terms) -> list[str]:
    return [
        f"{name} {given[name] or 'none'} -> {asked[name] or 'none'}"
        for name in asked
        if name in given and given[name] != asked[name]
    ]


def _asked(workshop: Workshop) -> Terms:
    problem = workshop.project.ml_problem
    return {"problem": problem.type, "target": problem.target, "entity": problem.entity or ""}


def _given(bundle: Path) -> Terms:
    """The terms of a bundle; none where it does not lie here."""
    try:
        manifest: Mapping[str, Any] = msgspec.json.decode((bundle / "manifest.json").read_bytes())
        plan: Mapping[str, Any] = msgspec.json.decode((bundle / "plan.json").read_bytes())
    except (OSError, msgspec.MsgspecError):
        return {}
    return {
        "problem": str(manifest.get("problem_type", "")),
        "target": str(manifest.get("target", "")),
        "entity": str(plan.get("entity") or ""),
    }
