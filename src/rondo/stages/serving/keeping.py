"""Keeps the routes of this process as the state store says, and every version warm before it gets a request.

A task asks the store ten times a second. What it does then is decided by `plan_loads` and `next_table`, which
are pure; loading happens in a thread of its own while the old table goes on answering.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TypeVar

from rondo.ports.state import StateStore
from rondo.records.release import Release, Routes, ServerReport, WarmRequest
from rondo.stages.serving.routing import NOTHING, RouteTable
from rondo.stages.serving.versions import ServedVersion

log = logging.getLogger("rondo.serving")

KEPT_WARM = 2
"""Versions without a share that stay warm, so that a rollback is a switch in memory."""
TRY_AGAIN_S = 5.0
REPORT_EVERY_S = 1.0

T = TypeVar("T")
Load = Callable[[Release], ServedVersion]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the state store says at one moment."""

    routes: Routes
    warm: WarmRequest


def versions_needed(wanted: Wanted) -> tuple[str, ...]:
    """The versions that have to be warm."""
    shares = [version for version, weight in wanted.routes.weights.items() if weight > 0.0]
    extra = [version for version in (wanted.routes.shadow, wanted.warm.version) if version is not None]
    return tuple(dict.fromkeys([*shares, *extra]))


def next_table(table: RouteTable, routes: Routes, warm: Mapping[str, ServedVersion]) -> RouteTable:
    """The table that answers next: the new routes once all of their versions are warm, until then the old."""
    shares = [version for version, weight in routes.weights.items() if weight > 0.0]
    if routes.generation != table.generation and all(version in warm for version in shares):
        return RouteTable(routes.generation, dict(routes.weights), dict(warm), routes.shadow)
    return replace(table, warm=dict(warm))


def forget(
    warm: Mapping[str, ServedVersion], needed: tuple[str, ...], serving: Mapping[str, float], keep: int
) -> dict[str, ServedVersion]:
    """Without the versions that nobody needs, except the `keep` ones that were used last (last in order)."""
    idle = [version for version in warm if version not in needed and not serving.get(version)]
    gone = set(idle[: max(len(idle) - keep, 0)])
    return {version: one for version, one in warm.items() if version not in gone}


class RouteKeeper:
    """Holds the table of this process. `table` is replaced as a whole, by the event loop's thread only."""

    def __init__(
        self,
        state: StateStore,
        load: Load,
        *,
        server_id: str,
        pid: int,
        interval: timedelta = timedelta(milliseconds=100),
    ) -> None:
        self.table: RouteTable = NOTHING
        self.failed: dict[str, str] = {}
        self.trouble = ""
        """Why the state store cannot be asked at the moment; the last good table goes on answering."""
        self.address = ""
        self._state, self._load = state, load
        self._server_id, self._pid, self._interval_s = server_id, pid, interval.total_seconds()
        self._warm: dict[str, ServedVersion] = {}
        self._retry_at: dict[str, float] = {}
        self._warm_number = 0
        self._answered = 0
        self._loading: asyncio.Task[None] | None = None
        self._reported: ServerReport | None = None
        self._reported_at = -REPORT_EVERY_S
        self._threads = ThreadPoolExecutor(1, "routes")
        self._loader = ThreadPoolExecutor(1, "loading")

    async def run(self) -> None:
        """Keeps going until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(self._interval_s)

    async def look(self) -> None:
        """Asks once, starts what has to be loaded, takes over what is loaded, reports when it is time."""
        try:
            wanted = await self._in_thread(self._ask)
            await self._follow(wanted)
            await self._report()
            self.trouble = ""
        except Exception as error:
            if not self.trouble:
                log.warning("the state store cannot be asked: %s", error)
            self.trouble = str(error)[:300] or type(error).__name__

    async def settled(self) -> None:
        """Waits until everything that is wanted now is loaded or has failed."""
        await self.look()
        while self._loading is not None:
            await self._loading
            await self.look()

    async def close(self) -> None:
        """Tells the store that this server is gone, and stops."""
        if self._loading is not None:
            self._loading.cancel()
            with suppress(asyncio.CancelledError):
                await self._loading
        with suppress(Exception):
            await self._in_thread(lambda: self._state.server_gone(self._server_id))
        self._threads.shutdown(wait=False)
        self._loader.shutdown(wait=False)

    def _ask(self) -> Wanted:
        return Wanted(self._state.routes(), self._state.wanted_warm())

    async def _follow(self, wanted: Wanted) -> None:
        if wanted.warm.number != self._warm_number:
            self._warm_number = wanted.warm.number
            if wanted.warm.version is not None:  # asked anew: what failed before may be mended
                self.failed.pop(wanted.warm.version, None)
                self._retry_at.pop(wanted.warm.version, None)
        needed = versions_needed(wanted)
        missing = [
            version
            for version in needed
            if version not in self._warm and self._retry_at.get(version, 0.0) <= monotonic()
        ]
        if missing and self._loading is None:
            self._loading = asyncio.create_task(self._load_all(missing))
        self._warm = forget(self._warm, needed, self.table.weights, KEPT_WARM)
        self.failed = {version: why for version, why in self.failed.items() if version in needed}
        if all(version in self._warm or version in self.failed for version in needed):
            self._answered = wanted.warm.number
        table = next_table(self.table, wanted.routes, self._warm)
        if table.generation != self.table.generation:
            for version in versions_needed(wanted):  # who was used last stands last
                if version in self._warm:
                    self._warm[version] = self._warm.pop(version)
            log.info("routes %d: %s", table.generation, dict(table.weights))
        self.table = table

    async def _load_all(self, versions: list[str]) -> None:
        try:
            releases = {release.version: release for release in await self._in_thread(self._state.releases)}
            for version in versions:
                await self._load_one(version, releases.get(version))
        finally:
            self._loading = None

    async def _load_one(self, version: str, release: Release | None) -> None:
        if release is None:
            self._give_up(version, f"no release {version} is registered")
            return
        try:
            loop = asyncio.get_running_loop()
            self._warm[version] = await loop.run_in_executor(self._loader, self._load, release)
            self.failed.pop(version, None)
            log.info("version %s is warm", version)
        except Exception as error:
            self._give_up(version, str(error).splitlines()[0][:300] if str(error) else type(error).__name__)

    def _give_up(self, version: str, why: str) -> None:
        self.failed[version] = why
        self._retry_at[version] = monotonic() + TRY_AGAIN_S
        log.warning("version %s cannot be loaded: %s", version, why)

    async def _report(self) -> None:
        report = ServerReport(
            self._server_id,
            self._pid,
            self.address,
            tuple(sorted(self._warm)),
            dict(self.failed),
            self.table.generation,
            datetime.now(UTC),
            self._answered,
        )
        before = self._reported
        same = before is not None and replace(report, seen_at=before.seen_at) == before
        if same and monotonic() - self._reported_at < REPORT_EVERY_S * 0.8:
            return
        await self._in_thread(lambda: self._state.report_server(report))
        self._reported, self._reported_at = report, monotonic()

    def _in_thread(self, work: Callable[[], T]) -> Awaitable[T]:
        return asyncio.get_running_loop().run_in_executor(self._threads, work)
