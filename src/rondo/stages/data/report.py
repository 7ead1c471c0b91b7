"""The page that shows what was checked, what was found, and what the columns look like."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import polars as pl

from rondo.pages import moment, number, render
from rondo.records.dataset import STOPPING, CheckStatus, Dataset
from rondo.records.files import write_bytes
from rondo.stages.data.clean import Step
from rondo.stages.data.join import Joined
from rondo.stages.data.profile import profile

FILE = "data_validation.html"
_FIRST: tuple[CheckStatus, ...] = ("failed", "not_computable", "warned", "passed")


def write_report(
    folder: Path,
    project: str,
    dataset: Dataset,
    table: pl.DataFrame,
    joined: Sequence[Joined],
    cleaned: Sequence[Step],
) -> Path:
    """Writes the page into the folder, whole or not at all, and gives its path."""
    path = folder / FILE
    write_bytes(path, page(project, dataset, table, joined, cleaned).encode())
    return path


def page(
    project: str, dataset: Dataset, table: pl.DataFrame, joined: Sequence[Joined], cleaned: Sequence[Step]
) -> str:
    """The page as text."""
    broken = [check for check in dataset.checks if check.status in STOPPING]
    warned = [check for check in dataset.checks if check.status == "warned"]
    count = len(dataset.checks)
    known = {check.column for check in broken if check.column}
    return render(
        "rondo.stages.data/validation.html",
        title="Data validation",
        above=project,
        subtitle=f"Version {dataset.version}: {dataset.version_reason}" if not broken else "Not published",
        verdict="failed" if broken else "passed",
        verdict_text=f"{len(broken)} of {count} checks did not pass"
        if broken
        else f"All {count} checks passed"
        if not warned
        else f"None of {count} checks failed, {len(warned)} warn",
        verdict_reason="The run stopped before features were computed; what was published before stays."
        if broken
        else "",
        facts=_facts(dataset, published=not broken),
        checks=sorted(dataset.checks, key=lambda check: _FIRST.index(check.status)),
        profiles=profile(table),
        known=known,
        extracts=dataset.extracts,
        joined=joined,
        cleaned=cleaned,
        rows=table.height,
        content_hash=dataset.content_hash,
        footer=f"Written by Rondo at {moment(dataset.processed_at)}",
    )


def _facts(dataset: Dataset, *, published: bool) -> list[tuple[str, str]]:
    facts = [
        ("version", dataset.version if published else "–"),
        ("rows", number(dataset.rows)),
        ("columns", number(len(dataset.columns))),
        ("sources", number(len(dataset.extracts))),
    ]
    if dataset.event_from and dataset.event_to:
        days = (dataset.event_to - dataset.event_from) // timedelta(days=1) + 1
        facts.append(
            (f"events over {days:,} days", f"{dataset.event_from:%Y-%m-%d} – {dataset.event_to:%Y-%m-%d}")
        )
    return facts
