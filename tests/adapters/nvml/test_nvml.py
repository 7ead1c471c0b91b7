from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pynvml
import pytest

from rondo.adapters.nvml import NvmlReader
from rondo.errors import NotAvailable
from rondo.records.monitoring import AcceleratorFigures


class TwoGpus:
    """The binding's functions over two devices that are there."""

    NVMLError = pynvml.NVMLError
    opened = 0

    def nvmlInit(self) -> None:
        self.opened += 1

    def nvmlShutdown(self) -> None:
        self.opened -= 1

    def nvmlDeviceGetCount(self) -> int:
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetName(self, handle: int) -> str | bytes:
        return (b"first", "second")[handle]

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Any:
        return SimpleNamespace(used=(handle + 1) * 20, total=80)

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> Any:
        return SimpleNamespace(gpu=(95, 5)[handle])


class NoGpu(TwoGpus):
    def nvmlDeviceGetCount(self) -> int:
        return 0


class LostGpu(TwoGpus):
    def nvmlDeviceGetUtilizationRates(self, handle: int) -> Any:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)


def test_the_figures_are_shares_per_gpu() -> None:
    binding = TwoGpus()
    assert NvmlReader(binding).read() == (
        AcceleratorFigures("first", 0.95, 0.25),
        AcceleratorFigures("second", 0.05, 0.5),
    )
    assert binding.opened == 0


@pytest.mark.parametrize(("binding", "why"), [(NoGpu(), "no GPU"), (LostGpu(), "NVML says")])
def test_what_cannot_be_read_is_not_available(binding: TwoGpus, why: str) -> None:
    with pytest.raises(NotAvailable, match=why):
        NvmlReader(binding).read()
    assert binding.opened == 0


def test_the_real_library_gives_shares_or_says_that_there_is_none() -> None:
    try:
        found = NvmlReader().read()
    except NotAvailable as error:
        assert "NVML" in str(error) or "GPU" in str(error)  # noqa: PT017 - most machines have none
    else:
        assert all(0 <= gpu.utilization <= 1 for gpu in found)
