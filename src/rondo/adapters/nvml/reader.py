"""Utilisation and memory per GPU, through NVML."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rondo.errors import NotAvailable
from rondo.records.monitoring import AcceleratorFigures


class NvmlReader:
    """An AcceleratorReader for NVIDIA's GPUs. NVML is opened for each reading, so a driver may come and go.

    Args:
        binding: the module of `nvidia-ml-py`; by default it is imported when it is first asked.
    """

    def __init__(self, binding: Any = None) -> None:
        self._binding = binding

    def read(self) -> tuple[AcceleratorFigures, ...]:
        """See AcceleratorReader. Utilisation is the share of the last sample period (up to 1 s) with work on it."""
        nvml = self._binding or _binding()
        with _opened(nvml):
            found = tuple(_device(nvml, index) for index in range(nvml.nvmlDeviceGetCount()))
        if not found:
            raise NotAvailable("this machine has a driver and no GPU")
        return found


def _device(nvml: Any, index: int) -> AcceleratorFigures:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    name = nvml.nvmlDeviceGetName(handle)
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    return AcceleratorFigures(
        name=name.decode() if isinstance(name, bytes) else str(name),
        utilization=nvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100.0,
        memory_share=memory.used / memory.total,
    )


@contextmanager
def _opened(nvml: Any) -> Iterator[None]:
    try:
        nvml.nvmlInit()
        try:
            yield
        finally:
            nvml.nvmlShutdown()
    except nvml.NVMLError as error:
        raise NotAvailable(f"NVML says: {error}") from error


def _binding() -> Any:
    try:
        import pynvml
    except ModuleNotFoundError as error:
        raise NotAvailable("reading GPUs needs nvidia-ml-py, which is not installed") from error
    return pynvml
