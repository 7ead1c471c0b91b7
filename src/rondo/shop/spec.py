"""What a practice world is asked to be: one frozen record, and its file."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from pathlib import Path

from rondo.errors import ContractError, CorruptArtifact, NotAvailable, Problem, UsageError

WORLD_FILE = "shop.json"
WORLD_FORMAT = 1
MOST_DIRT = 0.2


@dataclass(frozen=True, slots=True)
class ShopSpec:
    """A world, described completely: equal specs make equal worlds.

    A spec with more ``days`` (or with a later ``change_day``) makes the same
    world up to the day from which the two differ.
    """

    seed: int = 7
    customers: int = 2_000
    """Customers on the first day. Sign-ups replace those who leave, so about as many stay around."""
    start: date = date(2024, 1, 1)
    days: int = 790
    """Simulated days, the first of them ``start``."""
    change_day: date | None = None
    """The day on which prices rise and a new app arrives; None: it never comes."""
    dirt: float = 0.015
    """Share of event rows that were never recorded, and of durations and ages that are null.
    A fifth of it: share of durations and amounts that are twenty times too large."""

    def __post_init__(self) -> None:
        broken = [
            Problem(f"shop.{key}", f"{getattr(self, key)!r} makes no world", rule)
            for key, holds, rule in (
                ("seed", self.seed >= 0, "It must be 0 or more"),
                ("customers", self.customers >= 1, "It must be 1 or more"),
                ("days", self.days >= 1, "It must be 1 or more"),
                ("dirt", 0 <= self.dirt <= MOST_DIRT, f"It must be a share from 0 to {MOST_DIRT}"),
            )
            if not holds
        ]
        if broken:
            raise ContractError("The practice world cannot be made:", problems=broken)

    @property
    def last_day(self) -> date:
        """The last simulated day."""
        return self.start + timedelta(days=self.days - 1)

    def day_number(self, day: date) -> int:
        """Days from ``start`` to a day; negative before the world began."""
        return (day - self.start).days


def check_simulated(spec: ShopSpec, day: date) -> None:
    """Refuse a day whose end the world does not reach.

    Raises:
        UsageError: the day lies before the first simulated day or after the last.
    """
    if not spec.start <= day <= spec.last_day:
        raise UsageError(
            f"{day} is not one of the simulated days",
            where="shop",
            rule=f"The world runs from {spec.start} to {spec.last_day}",
            mend="Simulate more days: an equal spec with more days continues the same world",
        )


@dataclass(frozen=True, slots=True)
class SavedWorld:
    """A spec on disk, and up to which day (inclusive) its world has been published."""

    spec: ShopSpec
    published: date | None


def save_world(folder: Path, world: SavedWorld) -> Path:
    """Replace ``shop.json`` in the folder at once, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {"format": WORLD_FORMAT, "spec": asdict(world.spec), "published": world.published}
    path = folder / WORLD_FILE
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    draft.write_text(json.dumps(content, indent=2, default=_iso) + "\n", encoding="utf-8")
    os.replace(draft, path)
    return path


def _iso(day: date) -> str:
    return day.isoformat()


def load_world(folder: Path) -> SavedWorld:
    """The world that ``save_world`` left in the folder.

    Raises:
        NotAvailable: no world was saved there.
        CorruptArtifact: the file is not a world of this format; the text says which key.
    """
    path = folder / WORLD_FILE
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        mend = "Write one with: rondo init --template shop"
        raise NotAvailable("No practice world was saved here", where=str(path), mend=mend) from None
    except ValueError as found:
        raise _unreadable(path, f"it is not JSON ({found})") from found
    if not isinstance(content, dict) or content.get("format") != WORLD_FORMAT:
        raise _unreadable(path, f"it is not a world of format {WORLD_FORMAT}")
    spec = content.get("spec")
    known = {field.name for field in fields(ShopSpec)}
    if not isinstance(spec, dict) or set(spec) != known:
        raise _unreadable(path, f"spec does not hold exactly {sorted(known)}")
    try:
        return SavedWorld(
            ShopSpec(
                seed=int(spec["seed"]),
                customers=int(spec["customers"]),
                start=date.fromisoformat(spec["start"]),
                days=int(spec["days"]),
                change_day=_day(spec["change_day"]),
                dirt=float(spec["dirt"]),
            ),
            _day(content.get("published")),
        )
    except (TypeError, ValueError) as found:
        raise _unreadable(path, str(found)) from found


def _day(found: str | None) -> date | None:
    return None if found is None else date.fromisoformat(found)


def _unreadable(path: Path, what: str) -> CorruptArtifact:
    return CorruptArtifact(what, where=str(path), mend="Write the practice world again")
