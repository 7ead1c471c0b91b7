"""From what was served to figures and alerts, to a decision, and into the next round."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rondo.bundle.manifest import Manifest
from rondo.errors import NotAvailable
from rondo.lifecycle import retraining
from rondo.lifecycle.business import business
from rondo.lifecycle.freezing import today
from rondo.lifecycle.going_round import Round
from rondo.lifecycle.heartbeat import note_look
from rondo.lifecycle.notifying import notify
from rondo.lifecycle.rooms import reports_folder
from rondo.lifecycle.served import evidence, served
from rondo.lifecycle.workshop import Workshop
from rondo.records.candidate import Candidate
from rondo.records.dataset import Dataset
from rondo.records.files import read_record
from rondo.records.holders import is_gone, this_process
from rondo.records.monitoring import Alert, Decision, Observation
from rondo.records.release import Release
from rondo.records.rollout import FROZEN_ALERT
from rondo.stages.monitoring import Alerting, alerts_after, current, is_live, observe, page, write_report
from rondo.stages.retraining import check, figures_of
from rondo.stages.retraining import decide as decide_on

LIVE_SHOWN = timedelta(days=7)
LONGEST_LOOK = timedelta(minutes=10)
MOST_OBSERVATIONS = 100_000


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look at production found: per figure the observation that speaks now, and what became of alerts."""

    observations: tuple[Observation, ...]
    opened: tuple[Alert, ...]
    recovered: tuple[Alert, ...]
    pending: tuple[Alert, ...] = ()
    page: str = ""  # where it is shown, relative to the project


def look(workshop: Workshop) -> Seen:
    """Measures every watched figure, writes it down, opens and closes alerts, and sends what is due.

    Raises:
        NotAvailable: nothing is in production.
        Conflict: somebody else is looking.
    """
    release, now = in_production(workshop), workshop.clock()
    with workshop.state.lease("monitoring", this_process(), LONGEST_LOOK, now=now, gone=is_gone):
        return _look(workshop, release, now)


def _look(workshop: Workshop, release: Release, now: datetime) -> Seen:
    state, watched = workshop.state, workshop.project.monitoring
    kept = state.observations(limit=MOST_OBSERVATIONS)
    known = {seen.identity: seen for seen in kept if seen.version == release.version}
    criteria = workshop.project.success_criteria.system_metrics
    version, seen = served(workshop, release), evidence(workshop, now=now)
    found = (
        *observe(watched, version, seen, now=now, known=known, criteria=criteria),
        *business(workshop, release, version, seen, now=now),
    )
    speaking = current([*(seen for seen in known.values() if not is_live(seen)), *found])
    newest = {seen.identity for seen in speaking}
    revised = [seen for seen in found if seen.identity not in newest]
    state.add_observations([*revised, *(replace(seen, observed_at=now) for seen in speaking)])
    alerting = _change_alerts(workshop, speaking, now)
    for kind, alerts in (("alert.opened", alerting.opened), ("alert.recovered", alerting.recovered)):
        for alert in alerts:
            details = {"value": alert.value, "threshold": alert.threshold, "version": release.version}
            state.append(kind, alert.key, by="monitor", reason=alert.message, details=details, at=now)
    notify(workshop, now=now)
    note_look(workshop, at=now)
    shown = _write_page(workshop, release.version, {**known, **{seen.identity: seen for seen in found}}, now)
    return Seen(speaking, alerting.opened, alerting.recovered, alerting.pending, shown)


def _change_alerts(workshop: Workshop, speaking: Iterable[Observation], now: datetime) -> Alerting:
    """What becomes of the alerts; a freeze is no figure that a look could find to be fine."""
    became: list[Alerting] = []

    def change(known: tuple[Alert, ...]) -> tuple[Alert, ...]:
        measured = [alert for alert in known if alert.key != FROZEN_ALERT]
        became.append(alerts_after(workshop.project.monitoring, measured, speaking, now=now))
        return became[-1].changed

    workshop.state.change_alerts(change)
    return became[-1]


def _write_page(
    workshop: Workshop, version: str, observations: Mapping[str, Observation], now: datetime
) -> str:
    alerts = workshop.state.alerts(open_only=True)
    shown = [seen for seen in observations.values() if not _forgotten(seen, now)]
    text = page(workshop.project.project, workshop.project.monitoring, version, shown, alerts, now=now)
    written = write_report(reports_folder(workshop, "reports/monitoring.html"), text)
    return written.relative_to(workshop.layout.root).as_posix()


def _forgotten(seen: Observation, now: datetime) -> bool:
    """Whether it is a figure of servers or machines from longer ago than a page shows."""
    return is_live(seen) and now - seen.observed_at > LIVE_SHOWN


def decide(workshop: Workshop) -> Decision:
    """Looks, and says whether a new round is due; the decision is kept."""
    seen, now = look(workshop), workshop.clock()
    manifest = _manifest(workshop, in_production(workshop))
    policy = workshop.project.retraining
    figures = figures_of(
        seen.observations,
        days_since_training=_days_since_training(manifest, now),
        new_data_count=_new_rows(workshop, manifest),
    )
    standing, day = retraining.rounds_so_far(workshop), today(workshop)
    decision = decide_on(policy, check(policy, figures), standing, now=now, today=day)
    workshop.state.add_decision(decision)
    return decision


def retrain_now(
    workshop: Workshop, decision: Decision, *, by: str = "rondo retrain", reason: str = ""
) -> Round:
    """A round on fresh data through the same gates, with production's hyperparameters unless `tune` says otherwise.

    Raises:
        Conflict: a retrain is under way, here or in another process.
    """
    fixed = None if workshop.project.retraining.tune else production_candidate(workshop)
    return retraining.retrain_now(workshop, decision, by=by, fixed=fixed, reason=reason)


def in_production(workshop: Workshop) -> Release:
    """The release in production.

    Raises:
        NotAvailable: there is none.
    """
    release = workshop.state.production()
    if release is None:
        raise NotAvailable(
            "nothing is in production yet", mend="`rondo run` makes and releases a first version."
        )
    return release


def _manifest(workshop: Workshop, release: Release) -> Manifest:
    return read_record(workshop.layout.root / release.bundle / "manifest.json", Manifest)


def production_candidate(workshop: Workshop) -> Candidate:
    """The candidate in production, to be fitted again.

    Raises:
        NotAvailable: nothing is in production.
    """
    manifest = _manifest(workshop, in_production(workshop))
    return Candidate(
        name=manifest.estimator.rpartition(".")[2],
        estimator=manifest.estimator,
        params=manifest.params,
        run_id=str(manifest.lineage.get("run_id") or ""),
        tuned_score=None,
        validation={},
        threshold=manifest.threshold,
    )


def _days_since_training(manifest: Manifest, now: datetime) -> float | None:
    trained = manifest.lineage.get("trained_at")
    return (now - datetime.fromisoformat(trained)).total_seconds() / 86_400 if trained else None


def _new_rows(workshop: Workshop, manifest: Manifest) -> int | None:
    """Rows of the processed data of now that the production model has not seen; None when that is not known."""
    try:
        dataset = read_record(workshop.layout.processed / "dataset.json", Dataset)
    except NotAvailable:
        return None
    seen = manifest.lineage.get("data_rows")
    return None if seen is None else max(0, dataset.rows - int(seen))
