"""What a version shows before any traffic: its bundle, its golden rows, and a load test in a server of its own."""

from __future__ import annotations

import hashlib
import os
import platform
import secrets
import socket
import tempfile
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from rondo.bundle.bundle import Bundle, load_bundle
from rondo.bundle.plan import FeaturePlan, entity_text
from rondo.errors import CorruptArtifact, NotAvailable, RondoError
from rondo.lifecycle.freezing import AUTOMATIC
from rondo.lifecycle.load_test import Target, answerable, measure
from rondo.lifecycle.rooms import reports_folder
from rondo.lifecycle.server_process import TRIAL_TOKEN, started
from rondo.lifecycle.workshop import Workshop
from rondo.records.dataset import Dataset
from rondo.records.files import read_record, write_bytes, write_record
from rondo.records.layout import Layout
from rondo.records.release import Release
from rondo.records.rollout import Evidence, Rollout
from rondo.stages.deployment.preflight import Load, Looked, figures_of, judge, page

PREFLIGHT = "rollout.preflight"
MOST_BODIES, MOST_KEYS = 64, 400


@dataclass(frozen=True, slots=True)
class Kept:
    """A pre-flight that was made: what it was about, what it said, and how it looked to people."""

    fingerprint: str
    evidence: Evidence


def gather(workshop: Workshop, rollout: Rollout, now: datetime) -> Evidence:
    """What speaks for and against traffic for the candidate; measured once per bundle, contract and machine.

    What was found too slow is measured again when a person asks: the machine may have been busy.

    Raises:
        NotAvailable: the candidate is not registered.
    """
    release = _release(workshop, rollout.candidate)
    reports = reports_folder(workshop, f"reports/preflight_{release.version}.html")
    kept = reports / f"preflight_{release.version}.json"
    fingerprint = _fingerprint(workshop, release)
    if (before := _before(kept, fingerprint, rollout.by)) is not None and not _broken(workshop, release):
        reasons = (*before.reasons, f"Measured at {before.at:%Y-%m-%d %H:%M:%S} UTC, nothing changed since.")
        return replace(before, at=now, reasons=reasons)
    workshop.progress.say(f"pre-flight of {release.version}")
    looked = _look(workshop, release)
    evidence = judge(workshop.project, looked, now=now)
    write_bytes(kept.with_suffix(".html"), page(workshop.project.project, looked, evidence).encode())
    write_record(kept, Kept(fingerprint, evidence))
    workshop.state.append(
        PREFLIGHT,
        release.version,
        by="rollout",
        reason=f"{evidence.judgement}: {' '.join(evidence.reasons)}",
        details={"judgement": evidence.judgement, "fingerprint": fingerprint, **figures_of(looked)},
        at=now,
    )
    return evidence


def _release(workshop: Workshop, version: str) -> Release:
    found = next((one for one in workshop.state.releases() if one.version == version), None)
    if found is None:
        raise NotAvailable(f"no release {version} is registered", mend="`rondo models` lists them.")
    return found


def _fingerprint(workshop: Workshop, release: Release) -> str:
    """Changes with everything that the figures depend on: the bundle, what is asked, how, and on which machine."""
    project = workshop.project
    asked = {
        "bundle": release.bundle_id,
        "constraints": project.constraints.model_dump(mode="json"),
        "system_metrics": {
            name: one.model_dump(mode="json") for name, one in project.success_criteria.system_metrics.items()
        },
        "preflight": project.deployment.preflight.model_dump(mode="json"),
        "serving": project.serving.model_dump(mode="json", exclude={"host", "hosts", "port", "access"}),
        "machine": [socket.gethostname(), platform.machine(), platform.python_version(), _cores()],
    }
    return hashlib.sha256(msgspec.json.encode(asked, order="deterministic")).hexdigest()


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _before(kept: Path, fingerprint: str, by: str) -> Evidence | None:
    """The evidence of before, where it is conclusive for who asks and nothing that it depends on has changed."""
    try:
        found = read_record(kept, Kept)
    except (NotAvailable, CorruptArtifact):
        return None
    conclusive = ("ship", "reject") if by in AUTOMATIC else ("ship",)
    same = found.fingerprint == fingerprint and found.evidence.judgement in conclusive
    return found.evidence if same else None


def _broken(workshop: Workshop, release: Release) -> str:
    """Why the bundle is not as it was written; a measurement is reused, this is looked at every time."""
    return _bundle(workshop, release)[1]


def _bundle(workshop: Workshop, release: Release) -> tuple[Bundle | None, str]:
    folder = workshop.layout.root / release.bundle
    try:
        if not folder.exists():
            workshop.registry.fetch(workshop.project.project, release.registry_version, folder)
        return load_bundle(folder, bundle_id=release.bundle_id), ""
    except (CorruptArtifact, NotAvailable) as error:
        return None, str(error)


def _look(workshop: Workshop, release: Release) -> Looked:
    bundle, broken = _bundle(workshop, release)
    if bundle is None:
        return Looked(release.version, release.bundle_id, broken)
    rows, size = len(bundle.golden.answers), bundle.size_bytes
    looked = Looked(release.version, release.bundle_id, golden_rows=rows, size_bytes=size)
    try:
        looked = replace(looked, largest_difference=bundle.replay_golden())
    except CorruptArtifact as error:
        return replace(looked, broken=str(error))
    seconds = workshop.project.deployment.preflight.duration.total_seconds()
    if not seconds:
        return replace(looked, wanted=False, why_no_load="deployment.preflight.duration is 0s")
    try:
        return replace(looked, load=_load(workshop, release, bundle, seconds))
    except RondoError as error:
        return replace(looked, why_no_load=str(error))


def _load(workshop: Workshop, release: Release, bundle: Bundle, seconds: float) -> Load:
    connections = workshop.project.deployment.preflight.connections
    with tempfile.TemporaryDirectory(prefix="rondo-preflight-") as scratch:
        token = secrets.token_urlsafe(32)
        arguments = (
            str(workshop.layout.root),
            str(bundle.folder),
            release.version,
            release.bundle_id,
            scratch,
        )
        command = ("-m", "rondo.cli.trial", *arguments)
        with started(command, Layout(Path(scratch)).home, env={**os.environ, TRIAL_TOKEN: token}) as server:
            target = Target(server.host, server.port, token)
            bodies, asked_by = _bodies(workshop, bundle, target)
            tally = measure(target, bodies, seconds=seconds, connections=connections)
    return Load(
        seconds=tally.seconds,
        connections=connections,
        cores=_cores(),
        asked_by=asked_by,
        requests=tally.requests,
        errors=tally.errors,
        latency_ms=tuple(tally.latency_ms),
        error_examples=tuple(tally.examples),
    )


def _bodies(workshop: Workshop, bundle: Bundle, target: Target) -> tuple[list[bytes], str]:
    """What is asked, in the way the project is asked: by key where the store knows keys, else with values.

    Raises:
        NotAvailable: the server answers neither.
    """
    plan = bundle.plan
    if plan.views and plan.entity is not None:
        keys = [msgspec.json.encode({plan.entity: key}) for key in _keys(workshop, plan)]
        kept, _ = answerable(target, keys, most=MOST_BODIES)
        if kept:
            return kept, f"{len(kept)} different keys ({plan.entity}), values from the online store"
    rows = [msgspec.json.encode(row) for row in golden_requests(bundle)]
    kept, said = answerable(target, rows, most=MOST_BODIES)
    if not kept:
        raise NotAvailable("the server answers none of the golden rows", rule=f"It said: {said or 'nothing'}")
    return kept, f"{len(kept)} golden rows, all values in the request"


def _keys(workshop: Workshop, plan: FeaturePlan) -> list[Any]:
    """Entities of the newest processed rows; none where there is no table."""
    try:
        dataset = read_record(workshop.layout.processed / "dataset.json", Dataset)
        table = pl.scan_parquet(workshop.layout.processed / dataset.file)
        found = table.select(plan.entity or "").tail(20_000).collect().to_series()
    except (NotAvailable, CorruptArtifact, pl.exceptions.PolarsError, OSError):
        return []
    texts = [entity_text(value) for value in found.unique(maintain_order=True).to_list()[-MOST_KEYS:]]
    if plan.entity_type == "int":
        return [int(text) for text in texts if text is not None and text.lstrip("-").isdigit()]
    return [text for text in texts if text is not None]


def golden_requests(bundle: Bundle) -> list[dict[str, Any]]:
    """The golden rows as requests that give every feature by its name."""
    plan, golden = bundle.plan, bundle.golden
    truths = {each.name for each in plan.inputs if each.type == "bool"}

    def value(name: str, given: float | str | None) -> Any:
        return given in (1.0, "true", "True") if name in truths and given is not None else given

    return [
        {name: value(name, given) for name, given in zip(plan.features, (*numbers, *words), strict=True)}
        for numbers, words in zip(golden.numerical, golden.categorical, strict=True)
    ]
