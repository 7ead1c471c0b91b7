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
    throughput: str = "100 req/s"  # while the same machine asks, serves and trains
    latency: str = "100ms"  # asked for in the pre-flight
    slowest: str = "250ms"  # beyond that a candidate is taken back


UNHURRIED = Pace()
SMALL = Pace(
    hold_s=2,
    steps="50%, 100%",
    requests=20,
    mirrored=40,
    test_s=20,
    sample=60,
    throughput="1 req/s",
    latency="30s",
    slowest="30s",
)
"""For a shop of a few hundred customers on a machine that may be busy: how fast it answers is not what it tells."""
