"""diff, lineage, events: what changed, where it comes from, and what happened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rondo.cli.output import say, say_json, table

SHOWN = 120

if TYPE_CHECKING:
    from rondo.bundle.differences import Difference, Disagreement
    from rondo.stages.data import TableDifference


def diff(folder: Path, before: str, after: str, only_data: bool, as_json: bool) -> None:
    """Data, making, answers."""
    from rondo.assembly import open_project
    from rondo.lifecycle.differing import data_diff
    from rondo.lifecycle.differing import diff as do

    workshop = open_project(folder)
    if only_data:
        data, note = data_diff(workshop, before, after)
        if as_json:
            say_json({"before": before, "after": after, "data": data, "data_note": note})
        else:
            _say_data(data, note)
        return
    found = do(workshop, before, after)
    if as_json:
        say_json(found)
        return
    say(f"From {before} to {after}")
    say()
    _say_data(found.data, found.data_note)
    _say_made(found.made)
    _say_answers(found.said, found.said_note)


def _say_data(found: TableDifference | None, note: str) -> None:
    if found is None:
        say(f"Data: {note}.")
        return
    named = f" (rows named by {', '.join(found.keys)})" if found.keys else ""
    say(
        f"Data: {found.rows_before:,} -> {found.rows_after:,} rows; {found.rows_added:,} came, "
        f"{found.rows_removed:,} went, {found.rows_changed:,} changed{named}."
    )
    told = [("came", name, "") for name in found.columns_added]
    told += [("went", name, "") for name in found.columns_removed]
    told += [("other type", name, f"{old} -> {new}") for name, (old, new) in found.columns_retyped.items()]
    told += [("changed values", name, f"{rows:,} rows") for name, rows in found.changed_by_column.items()]
    if told:
        table(("column", "", ""), [(name, what, how) for what, name, how in told])


def _say_made(found: tuple[Difference, ...]) -> None:
    made = [one for one in found if one.about != "metric"]
    measured = [one for one in found if one.about == "metric"]
    say()
    if made:
        table(
            ("", "name", "before", "after"),
            [(o.about, o.name, o.before or "-", o.after or "-") for o in made],
        )
    else:
        say("Made in the same way.")
    if measured:
        say()
        table(("metric", "before", "after"), [(o.name, o.before or "-", o.after or "-") for o in measured])
        say("Each metric was measured on the test rows of its own version.")


def _say_answers(found: Disagreement | None, note: str) -> None:
    say()
    if found is None:
        say(f"Answers: {note or 'there are no rows to compare them on'}.")
        return
    say(
        f"Answers to the newest {found.rows:,} rows: {found.flipped:,} decisions differ "
        f"({found.agreement:.2%} agree); the score changes by {found.mean_change:.4g} on average."
    )
    if found.largest:
        table(
            ("row", "score before", "after", "decision before", "after"),
            [
                (f"{one.place:,}", f"{one.before:.4g}", f"{one.after:.4g}", one.label_before, one.label_after)
                for one in found.largest
            ],
        )


def lineage(folder: Path, wanted: str, data: bool, as_json: bool) -> None:
    """Back to the data, or on from it."""
    from rondo.assembly import open_project
    from rondo.lifecycle.lineage import made_from, trace

    workshop = open_project(folder)
    if data:
        models = made_from(workshop, wanted)
        if as_json:
            say_json(models)
            return
        table(
            ("model", "stage", "registered (UTC)", "predictions", "first", "last"),
            [
                (
                    one.version,
                    one.stage,
                    f"{one.registered_at:%Y-%m-%d %H:%M}",
                    f"{one.predictions:,}",
                    f"{one.first_at:%Y-%m-%d %H:%M}" if one.first_at else "-",
                    f"{one.last_at:%Y-%m-%d %H:%M}" if one.last_at else "-",
                )
                for one in models
            ],
        )
        return
    lines = trace(workshop, wanted)
    if as_json:
        say_json(lines)
    else:
        table(("", "version", "identity"), [(line.kind, line.version, line.identity) for line in lines])


def _short(text: str) -> str:
    """A line of a list; `--json` has it whole."""
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def events(folder: Path, verify: bool, kind: str | None, limit: int, as_json: bool) -> None:
    """The log, or whether it is whole."""
    from rondo.assembly import open_project

    state = open_project(folder).state
    if verify:
        count = state.verify_events()
        if as_json:
            say_json({"events": count, "whole": True})
        else:
            say(f"{count:,} events: each follows from the one before, none is missing.")
        return
    found = state.events(kind=kind, limit=limit)
    if as_json:
        say_json(found)
    elif not found:
        say("Nothing has happened yet.")
    else:
        table(
            ("", "when (UTC)", "kind", "subject", "by", "why"),
            [
                (one.sequence, f"{one.at:%m-%d %H:%M:%S}", one.kind, one.subject, one.by, _short(one.reason))
                for one in found
            ],
        )
