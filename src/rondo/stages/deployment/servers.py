"""Whether the running servers hold a version ready, judged from what they report. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rondo.records.release import ServerReport, WarmRequest


@dataclass(frozen=True, slots=True)
class Readiness:
    """Which servers are ready, still loading, or could not load (with their sentence)."""

    ready: tuple[str, ...] = ()
    loading: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)


def readiness(asked: WarmRequest, reports: Sequence[ServerReport]) -> Readiness:
    """How the servers stand to the request; a report that does not know it yet counts as loading."""
    ready, loading, failed = [], [], {}
    for report in reports:
        if report.answered < asked.number:
            loading.append(report.server_id)
        elif asked.version in report.warm:
            ready.append(report.server_id)
        elif asked.version is not None and asked.version in report.failed:
            failed[report.server_id] = report.failed[asked.version]
        else:
            loading.append(report.server_id)
    return Readiness(tuple(ready), tuple(loading), failed)


def behind(generation: int, reports: Sequence[ServerReport]) -> tuple[str, ...]:
    """The servers that still answer by older routes."""
    return tuple(report.server_id for report in reports if report.generation < generation)
