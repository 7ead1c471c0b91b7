"""run, plan, status, monitor, retrain: the round."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rondo.cli.output import person, progress, say, say_json, table, untold, wide
from rondo.errors import GateSaidNo, UsageError
from rondo.lifecycle.stillness import recall
from rondo.pages import measure
from rondo.records.monitoring import WITH_VALUE, Observation

WIDE = 100
"""Columns below which a table of sentences is harder to read than lines."""


def run(
    folder: Path, stages: tuple[str, ...], force: bool, refresh: bool, new_version: bool, as_json: bool
) -> int:
    """Stages that changed, then the release; 1 when a gate said no."""
    if not (stages or force or refresh or as_json) and (still := recall(folder)) is not None:
        say("Nothing changed, nothing to do.")
        if still.told:
            say(still.told)
        return GateSaidNo.exit_code if still.refused else 0

    from rondo.assembly import open_project
    from rondo.lifecycle.going_round import go_round
    from rondo.lifecycle.running import Selection

    workshop = open_project(folder, progress=(shown := progress()))
    before = workshop.state.production()
    selection = Selection(only=stages, force=force, refresh=refresh)
    outcome = go_round(workshop, selection, by="rondo run", new_version=new_version)
    if as_json:
        say_json(outcome)
    else:
        ran = [done.name for done in outcome.stages if done.ran]
        say(f"Ran {', '.join(ran)}." if ran else "Nothing changed, nothing to do.")
        if rest := untold(shown, outcome.release):
            say(rest)
        if before is None and workshop.state.production() is not None:
            say("Next: `rondo status` shows the contract, `rondo serve` answers requests.")
    return GateSaidNo.exit_code if outcome.refused else 0


def run_alone(folder: Path, stages: tuple[str, ...]) -> int:
    """One stage, unrecorded: for `dvc repro`."""
    from rondo.assembly import open_project
    from rondo.lifecycle.rooms import Rooms
    from rondo.lifecycle.running import run_alone as do

    if len(stages) != 1:
        raise UsageError("--alone takes exactly one stage")
    workshop = open_project(folder, progress=progress())
    say(f"{stages[0]}: {do(workshop, Rooms(workshop).open, stages[0])}")
    return 0


def plan(folder: Path, stages: tuple[str, ...], refresh: bool, as_json: bool) -> None:
    """What a run would do."""
    from rondo.assembly import open_project
    from rondo.lifecycle.running import Selection
    from rondo.lifecycle.running import plan as do

    planned = do(open_project(folder), Selection(only=stages, refresh=refresh))
    if as_json:
        say_json([{"stage": p.step.name, "runs": bool(p.reasons), "reasons": p.reasons} for p in planned])
    else:
        table(
            ("stage", "", "why"),
            [
                (p.step.name, "run" if p.reasons else "-", "; ".join(p.reasons) or "up to date")
                for p in planned
            ],
        )


def status(folder: Path, as_json: bool) -> None:
    """Criterion, enforcer, last value, verdict; and what serves."""
    from rondo.assembly import open_project
    from rondo.lifecycle.status import standing

    found = standing(open_project(folder))
    if as_json:
        say_json(found)
        return
    say(f"{found.project}: {found.serving}")
    count = found.open_alerts
    say(f"{found.monitor}{f'; open alerts: {count} (`rondo alerts`)' if count else ''}")
    say()
    if wide(WIDE):
        rows = [(c.section, c.name, c.asked, c.enforcer, c.value, c.verdict) for c in found.criteria]
        table(("", "criterion", "asked", "enforced by", "last value", "verdict"), rows)
    else:
        for line in found.criteria:
            say(f"{line.verdict.upper()}  {line.name}: {line.asked}")
            say(f"    {line.value} ({line.enforcer})")
    if found.gaps:
        say()
        say(f"{found.gaps} of {len(found.criteria)} lines are gaps: nothing enforces or has measured them.")


def report(folder: Path, as_json: bool) -> None:
    """The page `reports/project.html`."""
    from rondo.assembly import open_project
    from rondo.lifecycle.document import write_document

    path = write_document(open_project(folder))
    say_json({"page": str(path)}) if as_json else say(f"{path} is written.")


def monitor(folder: Path, as_json: bool) -> None:
    """The newest window."""
    from rondo.assembly import open_project
    from rondo.lifecycle.watching import look
    from rondo.stages.monitoring import drifts

    seen = look(open_project(folder, progress=progress()))
    if as_json:
        say_json(seen)
        return
    told = [o for o in seen.observations if o.feature is None or o.state == "breached" or not drifts(o)]
    rows = [(_subject(o), _value(o), o.n, o.state.replace("_", " "), _limit(o), o.note) for o in told]
    if wide(WIDE):
        table(("figure", "value", "n", "state", "alert", "note"), rows)
    else:
        for subject, value, n, state, limit, note in rows:
            say(
                f"{state.upper()}  {subject}: {value or 'no value'} (n = {n}{f', alert {limit}' if limit else ''})"
            )
            if note:
                say(f"    {note}")
    for line in _untold([one for one in seen.observations if one not in told]):
        say(line)
    if not any(one.n for one in seen.observations):
        say("No request was answered yet: `rondo serve` answers, then `rondo monitor` looks again.")
    for alert in seen.opened:
        say(f"ALERT {alert.severity}: {alert.message}")
    for alert in seen.recovered:
        say(f"Over: {alert.message}")
    if seen.pending:
        say(f"{len(seen.pending)} more will alert if they last: {', '.join(a.key for a in seen.pending)}")
    say(f"Drift and performance over time: {seen.page}")


def _untold(figures: Sequence[Observation]) -> Iterator[str]:
    """The drift figures that are not shown, counted; what was not measured is not within its limits."""
    missing = sum(one.state not in WITH_VALUE for one in figures)
    if missing:
        yield f"{missing} more drift figures could not be measured yet."
    if quiet := len(figures) - missing:
        yield f"{quiet} more drift figures are within their limits or nothing is asked of them."


def _subject(seen: Observation) -> str:
    return f"{seen.metric} of {seen.feature}" if seen.feature else seen.metric


def _value(seen: Observation) -> str:
    return "" if seen.value is None else measure(seen.value, seen.unit)


def _limit(seen: Observation) -> str:
    return "" if seen.threshold is None else f"{seen.alert_on} {measure(seen.threshold, seen.unit)}"


def retrain(folder: Path, only_check: bool, approved: bool, reason: str, as_json: bool) -> int:
    """A decision, and the round that follows from it: by itself, or because a person approved it."""
    from rondo.assembly import open_project
    from rondo.lifecycle.retraining import approve, propose
    from rondo.lifecycle.watching import decide, retrain_now

    if reason and not approved:
        raise UsageError("--reason goes with --approve")
    if approved and not reason:
        raise UsageError("--approve needs --reason", rule="An approval is kept with who and why")
    workshop = open_project(folder, progress=progress())
    decision = decide(workshop)
    if as_json:
        say_json(decision)
    else:
        verdict = "Retrain" if decision.should_retrain else "No retraining"
        say(f"{verdict}: {', '.join(decision.reasons) or 'no trigger fired'}. {decision.held_back}".strip())
        for line in decision.evidence:
            say(f"  {line}")
    if only_check or not (decision.should_retrain or approved):
        return 0
    by = "rondo retrain"
    if approved:
        by = person()
        decision = approve(workshop, decision, by=by, reason=reason).decision
    elif workshop.project.retraining.mode == "approve":
        propose(workshop, decision)
        say("It waits for an approval: `rondo retrain --approve --reason ...`")
        return 0
    outcome = retrain_now(workshop, decision, by=by, reason=reason)
    if not as_json and outcome.release:
        say(outcome.release)
    return GateSaidNo.exit_code if outcome.refused else 0
