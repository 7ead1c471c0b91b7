"""How busy the accelerators of this machine are."""

from __future__ import annotations

from typing import Protocol

from rondo.records.monitoring import AcceleratorFigures


class AcceleratorReader(Protocol):
    """Reads the accelerators of the machine on which it runs, as they are at the moment."""

    def read(self) -> tuple[AcceleratorFigures, ...]:
        """One per device, in the machine's order; never empty.

        Raises:
            NotAvailable: this machine has no such device, or no driver for it.
        """
