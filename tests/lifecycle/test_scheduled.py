"""The rounds of the schedule on a real state store: once per slot, also when processes die in them or come together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from rondo.adapters.sqlstate import SqlStateStore
from rondo.contract.pipeline import Pipeline
from rondo.lifecycle.alone import RUN, alone
from rondo.lifecycle.schedule import MOST_ATTEMPTS
from rondo.lifecycle.scheduled import LEASE, LONGEST_ROUND, SKIPPED, do_what_is_due
from rondo.lifecycle.workshop import Workshop
from rondo.ports.progress import Silent
from rondo.records.failpoints import reached
from rondo.records.layout import Layout
from rondo.testing.deployment import Clock
from rondo.testing.killing import killed

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
DURABLE_MOMENTS = 5  # schedule.taken, twice within the round, schedule.gone, schedule.done


@dataclass
class Project:
    """A project whose rounds write a line each, beside its state store."""

    root: Path
    schedule: str | None = "0 2 * * *"

    def __post_init__(self) -> None:
        self.clock = Clock(START)
        self.go_up()

    @property
    def rounds(self) -> int:
        path = self.root / "rounds"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def workshop(self, store: SqlStateStore) -> Workshop:
        made = SimpleNamespace(
            project=SimpleNamespace(project="tiny", pipeline=Pipeline(schedule=self.schedule)),
            layout=Layout(self.root),
            state=store,
            clock=self.clock,
            wall_clock=self.clock,
            progress=Silent(),
        )
        return cast("Workshop", made)

    def go(self) -> None:
        """A round; it may be killed half way."""
        reached("round.begun")
        with (self.root / "rounds").open("a") as file:
            file.write("done\n")
        reached("round.ended")

    def go_up(self, go: Callable[[], object] | None = None) -> bool:
        """What one process does at one look at the clock."""
        store = SqlStateStore(self.root / "state.db")
        try:
            return do_what_is_due(self.workshop(store), go or self.go)
        finally:
            store.close()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_slot_is_done_once(project: Project) -> None:
    assert not project.go_up()
    project.clock.now += DAY
    assert [project.go_up() for _ in range(3)] == [True, False, False]
    project.clock.now += 3 * DAY  # three slots missed
    assert [project.go_up() for _ in range(3)] == [True, False, False]
    project.clock.now -= timedelta(hours=11)
    assert not project.go_up()
    assert project.rounds == 2


def test_without_a_schedule_nothing_is_due(tmp_path: Path) -> None:
    project = Project(tmp_path, schedule=None)
    project.clock.now += 10 * DAY
    assert not project.go_up()


@pytest.mark.parametrize("moment", range(1, DURABLE_MOMENTS + 2))
def test_a_slot_in_which_its_process_was_killed_is_taken_up_again(project: Project, moment: int) -> None:
    project.clock.now += DAY
    died = killed(project.go_up, moment)
    assert died == (moment <= DURABLE_MOMENTS)
    before = project.rounds
    again = project.go_up()
    assert again == (moment < DURABLE_MOMENTS)  # until it is written down that the round is gone
    assert project.rounds == before + again >= 1
    assert not project.go_up()


def test_a_slot_that_kills_its_process_again_and_again_is_given_up_and_that_is_told(project: Project) -> None:
    project.clock.now += DAY
    for _ in range(MOST_ATTEMPTS):
        assert killed(project.go_up, 1)
    assert not project.go_up()
    store = SqlStateStore(project.root / "state.db")
    (event,) = store.events(kind=SKIPPED)
    assert event.reason == "the slot of 2026-03-02 02:00 UTC is given up: 3 processes ended in it"
    store.close()
    project.clock.now += DAY
    assert project.go_up()


def test_two_processes_do_not_go_the_same_round(project: Project) -> None:
    project.clock.now += DAY
    seen: list[bool] = []
    assert project.go_up(lambda: seen.append(project.go_up()))
    assert seen == [False]


def test_a_slot_of_a_machine_that_is_gone_is_taken_up_after_a_while(project: Project) -> None:
    project.clock.now += DAY
    store = SqlStateStore(project.root / "state.db")
    with store.lease(LEASE, "elsewhere/1/1", LONGEST_ROUND, now=project.clock()):
        assert not project.go_up()
        project.clock.now += LONGEST_ROUND
        assert project.go_up()
    store.close()


def test_a_slot_waits_for_the_end_of_a_run_by_hand(project: Project) -> None:
    project.clock.now += DAY
    with alone(Layout(project.root).home, RUN, what="a run", mend=""):
        assert not project.go_up()
    assert project.go_up()


def test_a_round_that_fails_is_told_and_its_slot_is_done(project: Project) -> None:
    project.clock.now += DAY
    with pytest.raises(ZeroDivisionError):
        project.go_up(lambda: 1 / 0)
    assert not project.go_up()


def test_a_round_that_is_interrupted_is_taken_up_again(project: Project) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    project.clock.now += DAY
    for _ in range(MOST_ATTEMPTS + 1):
        with pytest.raises(KeyboardInterrupt):
            project.go_up(interrupted)
    assert project.go_up()
