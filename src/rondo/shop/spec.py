"""What a practice world is asked to be: one frozen record, and its file."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from pathlib import Path

WORLD_FILE = "shop.json"
WORLD_FORMAT = 1


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
        if self.seed < 0:
            raise ValueError(f"shop.seed: {self.seed} is negative. A seed is 0 or more.")
        if self.customers < 1:
            raise ValueError(f"shop.customers: {self.customers} customers make no shop. Ask for 1 or more.")
        if self.days < 1:
            raise ValueError(f"shop.days: {self.days} days cannot be simulated. Ask for 1 or more.")
        if not 0 <= self.dirt <= 0.2:
            raise ValueError(f"shop.dirt: {self.dirt} is not a share between 0 and 0.2.")

    @property
    def last_day(self) -> date:
        """The last simulated day."""
        return self.start + timedelta(days=self.days - 1)

    def day_number(self, day: date) -> int:
        """Days from ``start`` to a day; negative before the world began."""
        return (day - self.start).days


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
    draft.write_text(json.dumps(content, indent=2, default=date.isoformat) + "\n", encoding="utf-8")
    os.replace(draft, path)
    return path


def load_world(folder: Path) -> SavedWorld:
    """The world that ``save_world`` left in the folder.

    Raises:
        FileNotFoundError: no world was saved there.
        ValueError: the file is not a world of this format; the text says which key.
    """
    path = folder / WORLD_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{path}: no practice world was saved here. Write one with rondo init --template shop."
        ) from None
    except json.JSONDecodeError as found:
        raise ValueError(f"{path}:{found.lineno}: not JSON ({found.msg}). Write the world again.") from found
    if not isinstance(content, dict) or content.get("format") != WORLD_FORMAT:
        raise ValueError(f"{path}: not a world of format {WORLD_FORMAT}. Write the world again.")
    return SavedWorld(
        _read_spec(path, content.get("spec")), _read_day(path, "published", content.get("published"))
    )


def _read_spec(path: Path, found: object) -> ShopSpec:
    known = {field.name for field in fields(ShopSpec)}
    if not isinstance(found, dict) or set(found) != known:
        keys = sorted(found) if isinstance(found, dict) else type(found).__name__
        raise ValueError(f"{path}: spec holds {keys}, expected {sorted(known)}. Write the world again.")
    for key, kind in (("seed", int), ("customers", int), ("days", int), ("dirt", (int, float))):
        if not isinstance(found[key], kind) or isinstance(found[key], bool):
            raise ValueError(f"{path}: spec.{key} is {found[key]!r}, expected a number.")
    start = _read_day(path, "spec.start", found["start"])
    if start is None:
        raise ValueError(f"{path}: spec.start is missing, expected a day.")
    change_day = _read_day(path, "spec.change_day", found["change_day"])
    return ShopSpec(
        seed=found["seed"],
        customers=found["customers"],
        start=start,
        days=found["days"],
        change_day=change_day,
        dirt=found["dirt"],
    )


def _read_day(path: Path, key: str, found: object) -> date | None:
    if found is None:
        return None
    try:
        return date.fromisoformat(str(found))
    except ValueError:
        raise ValueError(f"{path}: {key} is {found!r}, expected a day such as 2024-01-31.") from None
