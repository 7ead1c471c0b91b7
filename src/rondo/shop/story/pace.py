"""How long the rollouts of the story take: seconds, where real ones take minutes and hours."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """What the demo writes into its project file, and how much traffic there is meanwhile."""

    hold_s: float = 4
    steps: str = "20%, 50%, 100%"
    requests: int = 40
    mirrored: int = 120
    test_s: float = 45
    sample: int = 150
    per_second: float = 50.0


UNHURRIED = Pace()
SMALL = Pace(hold_s=2, steps="50%, 100%", requests=20, mirrored=40, test_s=20, sample=60)
"""For a shop of a few hundred customers."""
