"""Who answers: the shares of the versions, and the same version for the same key."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b

from rondo.errors import NotAvailable
from rondo.stages.serving.versions import ServedVersion


def choose(weights: Mapping[str, float], key: str) -> str:
    """The version that answers this key: always the same for equal weights.

    Weighted rendezvous hashing (Schindelhauer and Schomaker, 2005): a key moves only to a version whose
    share grew, so a canary that goes from 5% to 25% keeps the keys it had.
    """
    best, best_cost = "", math.inf
    for version, weight in sorted(weights.items()):
        if weight <= 0.0:
            continue
        digest = blake2b(f"{version}\x00{key}".encode(), digest_size=8).digest()
        chance = (int.from_bytes(digest) + 1) / (2**64 + 1)  # in (0, 1)
        cost = -math.log(chance) / weight
        if cost < best_cost:
            best, best_cost = version, cost
    return best


@dataclass(frozen=True)
class RouteTable:
    """The shares of now and every version that is warm, replaced as a whole."""

    generation: int
    weights: Mapping[str, float]
    warm: Mapping[str, ServedVersion] = field(default_factory=dict)
    shadow: str | None = None

    @cached_property
    def only(self) -> ServedVersion | None:
        """The version that answers everything, where there is one."""
        chosen = [version for version, weight in self.weights.items() if weight > 0.0]
        return self.warm.get(chosen[0]) if len(chosen) == 1 else None

    @cached_property
    def leading(self) -> ServedVersion | None:
        """The version with the greatest share: the one that speaks for the model in descriptions."""
        ranked = sorted(self.weights, key=lambda version: (self.weights[version], version))
        return self.warm.get(ranked[-1]) if ranked else None

    @cached_property
    def ready(self) -> bool:
        """Whether there is at least one version, and every version with a share is warm."""
        shares = [version for version, weight in self.weights.items() if weight > 0.0]
        return bool(shares) and all(version in self.warm for version in shares)

    @cached_property
    def mirrored(self) -> ServedVersion | None:
        """The version that sees what is answered, once it is warm."""
        return self.warm.get(self.shadow) if self.shadow is not None else None

    def version_for(self, key: str) -> ServedVersion:
        """The version that answers this key.

        Raises:
            NotAvailable: no version serves.
        """
        found = self.only or self.warm.get(choose(self.weights, key))
        if found is None:
            raise NotAvailable("no version serves yet", mend="Release one with `rondo deploy`.")
        return found

    def named(self, version: str) -> ServedVersion | None:
        """That version, if it has a share of the requests."""
        return self.warm.get(version) if self.weights.get(version, 0.0) > 0.0 else None


NOTHING = RouteTable(0, {})
"""Before anything was released."""
