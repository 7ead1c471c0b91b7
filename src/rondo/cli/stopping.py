"""How a command that runs until it is told to stop is told: by signals, or because what it runs for has ended."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import Popen
from types import FrameType


class Stop:
    """Whether to stop. The first signal is noticed at the next look, the second ends whatever is being done.

    Work that can be begun again is ended by the first.
    """

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._at_once = False
        self.ended = False
        """Whether the process that this one runs for ended before anybody asked to stop."""

    def listen(self) -> None:
        """From now on SIGTERM and SIGINT ask to stop. Called in the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def with_process(self, process: Popen[bytes]) -> None:
        """Stops when that process ends, as a signal would."""
        threading.Thread(target=self._await, args=(process,), name="server-watch", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """Waits so long, or until it is time to stop; whether it is."""
        return self._asked.wait(seconds)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """A block that the first signal ends, with KeyboardInterrupt."""
        self._at_once = True
        try:
            if self._asked.is_set():
                raise KeyboardInterrupt
            yield
        finally:
            self._at_once = False

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        again = self._asked.is_set()
        self._asked.set()
        if again or self._at_once:
            raise KeyboardInterrupt

    def _await(self, process: Popen[bytes]) -> None:
        process.wait()
        if not self._asked.is_set():
            self.ended = True
            os.kill(os.getpid(), signal.SIGTERM)
