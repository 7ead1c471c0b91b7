from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle, pairwise
from zoneinfo import ZoneInfo

import pytest

from rondo.contract.cron import parse_cron
from rondo.lifecycle.schedule import MOST_ATTEMPTS, Slots, finished, left, newest_due, next_due, take

BERLIN = ZoneInfo("Europe/Berlin")
UTC_ZONE = ZoneInfo("UTC")
ZONES = (
    "UTC", "Europe/Berlin", "Europe/London", "Europe/Lisbon", "Europe/Dublin", "Europe/Moscow", "Africa/Casablanca",
    "Africa/Cairo", "America/New_York", "America/Los_Angeles", "America/St_Johns", "America/Havana",
    "America/Santiago", "America/Sao_Paulo", "Asia/Seoul", "Asia/Kathmandu", "Asia/Beirut", "Australia/Lord_Howe",
    "Pacific/Apia", "Pacific/Chatham",
)  # fmt: skip
DAILY = ("0 2 * * *", "30 2 * * *", "0 0 * * *", "59 23 * * *")
MINUTE = timedelta(minutes=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


BEGIN = at("2025-02-01T00:00")


def every_slot(schedule: str, zone: ZoneInfo, since: datetime, until: datetime) -> Iterator[datetime]:
    cron, moment = parse_cron(schedule), since
    while (slot := next_due(cron, zone, moment)) is not None and slot < until:
        yield slot
        moment = slot


@pytest.mark.parametrize(
    ("schedule", "after", "due"),
    [
        ("0 2 * * *", "2026-01-01T01:59", "2026-01-01T02:00"),
        ("0 2 * * *", "2026-01-01T02:00", "2026-01-02T02:00"),
        ("*/15 * * * *", "2026-01-01T23:50", "2026-01-02T00:00"),
        ("0 0 29 2 *", "2026-01-01T00:00", "2028-02-29T00:00"),
    ],
)
def test_the_next_slot(schedule: str, after: str, due: str) -> None:
    assert next_due(parse_cron(schedule), UTC_ZONE, at(after)) == at(due)


def test_what_the_clock_leaves_out_fires_at_the_change() -> None:
    assert next_due(parse_cron("30 2 * * *"), BERLIN, at("2026-03-28T12:00")) == at("2026-03-29T01:00")


def test_what_the_clock_shows_twice_fires_once() -> None:
    slots = list(every_slot("30 2 * * *", BERLIN, at("2026-10-24T12:00"), at("2026-10-26T12:00")))
    assert slots == [at("2026-10-25T00:30"), at("2026-10-26T01:30")]


def test_no_slot_hides_behind_one_that_the_clock_left_out() -> None:
    zone, night = ZoneInfo("Australia/Lord_Howe"), at("2026-10-03T15:00")  # 02:00 becomes 02:30
    slots = list(every_slot("10,35 2 * * *", zone, night, night + timedelta(hours=2)))
    assert slots == [at("2026-10-03T15:30"), at("2026-10-03T15:35")]


@pytest.mark.parametrize("name", ZONES)
@pytest.mark.parametrize("schedule", DAILY)
def test_every_day_has_one_slot_wherever_clocks_change(name: str, schedule: str) -> None:
    zone = ZoneInfo(name)
    noon, later = datetime(2022, 1, 1, 12, tzinfo=zone), datetime(2027, 1, 1, 12, tzinfo=zone)
    slots = list(every_slot(schedule, zone, noon.astimezone(UTC), later.astimezone(UTC)))
    assert len(slots) == (later.date() - noon.date()).days
    assert len({slot.astimezone(zone).date() for slot in slots}) == len(slots)


@pytest.mark.parametrize("name", ZONES)
def test_looking_back_finds_what_looking_ahead_promised(name: str) -> None:
    zone, cron = ZoneInfo(name), parse_cron("10,40 */3 * * *")
    for earlier, later in pairwise(
        every_slot("10,40 */3 * * *", zone, at("2025-02-15T00:00"), at("2025-11-15T00:00"))
    ):
        assert newest_due(cron, zone, after=earlier, now=later - MINUTE) is None
        assert newest_due(cron, zone, after=earlier, now=later) == later


def test_missed_slots_are_one_round_that_of_the_newest() -> None:
    cron, slots = parse_cron("0 2 * * *"), Slots(at("2026-01-01T02:00"))
    slots, slot = take(slots, cron, UTC_ZONE, at("2026-01-05T12:00"))
    assert slot == at("2026-01-05T02:00")
    slots, slot = take(finished(slots, at("2026-01-05T02:00")), cron, UTC_ZONE, at("2026-01-06T01:59"))
    assert slot is None


def test_a_slot_that_ends_its_process_again_and_again_is_given_up() -> None:
    cron, now = parse_cron("0 2 * * *"), at("2026-01-02T12:00")
    slots, taken = Slots(at("2026-01-01T12:00")), []
    for _ in range(MOST_ATTEMPTS + 2):
        slots, slot = take(slots, cron, UTC_ZONE, now)
        taken.append(slot)
    assert taken == [at("2026-01-02T02:00")] * MOST_ATTEMPTS + [None, None]
    assert take(slots, cron, UTC_ZONE, now + timedelta(days=1))[1] == at("2026-01-03T02:00")


def test_stopping_in_good_order_is_not_held_against_a_slot() -> None:
    cron, now = parse_cron("0 2 * * *"), at("2026-01-02T12:00")
    slots = Slots(at("2026-01-01T12:00"))
    for _ in range(MOST_ATTEMPTS + 2):
        slots, slot = take(slots, cron, UTC_ZONE, now)
        assert slot == at("2026-01-02T02:00")
        slots = left(slots)


def test_a_clock_that_was_days_ahead_does_not_silence_the_schedule() -> None:
    cron, wrong = parse_cron("0 2 * * *"), Slots(at("2027-01-01T02:00"))
    slots, slot = take(wrong, cron, UTC_ZONE, at("2026-01-01T12:00"))
    assert slot is None
    assert take(slots, cron, UTC_ZONE, at("2026-01-02T03:00"))[1] == at("2026-01-02T02:00")


@dataclass
class World:
    """Processes that come, go and die over a calendar kept for all of them, by a clock that is set now and then."""

    schedule: str
    zone: ZoneInfo
    chance: random.Random
    now: datetime = BEGIN  # true time
    ahead: timedelta = timedelta(0)  # of the clock
    kept: Slots = field(default_factory=lambda: Slots(BEGIN))
    rounds: list[tuple[datetime, datetime]] = field(default_factory=list)  # slot, and when its round was done
    deaths: Counter[datetime] = field(default_factory=Counter)

    def live(self, until: datetime) -> None:
        cron = parse_cron(self.schedule)
        while self.now < until:
            self.now += timedelta(seconds=self.chance.choice((20, 3_000, 20_000, 20_000)))
            if self.chance.random() < 0.02:  # the clock is set: never back by as much as a day
                self.ahead = timedelta(minutes=self.chance.choice((0, 0, 7, 90, 720)))
            self.kept, slot = take(self.kept, cron, self.zone, self.now + self.ahead)
            if slot is not None:
                self.do(slot)

    def do(self, slot: datetime) -> None:
        self.now += timedelta(minutes=self.chance.choice((1, 10, 200)))
        match self.chance.choices(("done", "killed", "stopped"), (6, 2, 1))[0]:
            case "done":
                self.kept = finished(self.kept, slot)
                self.rounds.append((slot, self.now + self.ahead))
            case "killed":
                self.deaths[slot] += 1
            case "stopped":
                self.kept = left(self.kept)


@pytest.mark.parametrize(
    ("name", "schedule"), list(zip(ZONES, cycle(("30 2 * * *", "0 */4 * * *", "15 1 * * mon"))))
)
def test_every_slot_is_done_once_over_restarts_kills_and_set_clocks(name: str, schedule: str) -> None:
    zone, end = ZoneInfo(name), at("2027-02-01T00:00")
    world = World(schedule, zone, random.Random(f"{name} {schedule}"))
    world.live(end)
    done = [slot for slot, _ in world.rounds]
    assert done == sorted(set(done))
    assert all(slot <= moment for slot, moment in world.rounds)
    given_up = [(slot, slot) for slot, deaths in world.deaths.items() if deaths >= MOST_ATTEMPTS]
    for slot in every_slot(schedule, zone, BEGIN, end - timedelta(days=9)):
        soon = slot + timedelta(days=4)
        assert any(slot <= newer and at < soon for newer, at in (*world.rounds, *given_up)), (
            f"{slot} was lost"
        )
