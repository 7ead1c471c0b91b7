"""Twins in memory of what else keeps things on disk: the reference, and what simulations run on.

state.py      MemoryStateStore
registry.py   MemoryModelRegistry
"""

from __future__ import annotations

from rondo.adapters.memory.registry import MemoryModelRegistry
from rondo.adapters.memory.state import MemoryStateStore

__all__ = ["MemoryModelRegistry", "MemoryStateStore"]
