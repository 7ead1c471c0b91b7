"""NVIDIA's management library says how busy the GPUs of this machine are.

reader.py   utilisation and memory per GPU, or that there is none
"""

from __future__ import annotations

from rondo.adapters.nvml.reader import NvmlReader

__all__ = ["NvmlReader"]
