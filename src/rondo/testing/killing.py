"""Processes that are killed at a named moment, and a model registry that they can be killed in the middle of."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

from rondo.adapters.memory import MemoryModelRegistry
from rondo.records.failpoints import reached
from rondo.records.files import publish_folder, read_record, write_record
from rondo.records.release import RegistryStage


def killed(action: Callable[[], object], moment: int) -> bool:
    """Whether the action, done by another process, was killed at that durable moment (else it came to its end)."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.environ["RONDO_FAILPOINT"] = f"*:{moment}"
            action()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


class FolderRegistry:
    """A ModelRegistry on disk that can be killed between any two of its writes, as a remote one can."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, name: str) -> dict[str, str]:
        """What that record says; empty before the first."""
        path = self.folder / name
        return read_record(path, dict[str, str]) if path.exists() else {}

    def register(
        self, model: str, version: str, *, run_id: str, bundle: Path, tags: Mapping[str, str]
    ) -> str:
        """See ModelRegistry."""
        memory = MemoryModelRegistry()  # its rules on equal and unequal bundles
        numbers = self.read("numbers")
        for known in numbers:
            memory.register(model, known, run_id="", bundle=self.folder / numbers[known], tags={})
        number = memory.register(model, version, run_id=run_id, bundle=bundle, tags=tags)
        if version not in numbers:
            with publish_folder(self.folder / number) as fresh:
                shutil.copytree(bundle, fresh, dirs_exist_ok=True)
            reached("registry.uploaded")
            write_record(self.folder / "numbers", {**numbers, version: number})
        return number

    def set_roles(
        self, model: str, roles: Mapping[str, str | None], stages: Mapping[str, RegistryStage]
    ) -> None:
        """See ModelRegistry."""
        for alias, number in roles.items():
            kept = {**self.read("aliases"), alias: number}
            write_record(self.folder / "aliases", {key: value for key, value in kept.items() if value})
            reached(f"registry.alias_{alias}")
        for number, stage in stages.items():
            write_record(self.folder / "stages", {**self.read("stages"), number: stage})
            reached("registry.stage")

    def roles(self, model: str) -> Mapping[str, str]:
        """See ModelRegistry."""
        return self.read("aliases")

    def fetch(self, model: str, registry_version: str, into: Path) -> None:
        """See ModelRegistry."""
        memory = MemoryModelRegistry()
        for version, number in self.read("numbers").items():
            memory.register(model, version, run_id="", bundle=self.folder / number, tags={})
        memory.fetch(model, registry_version, into)
