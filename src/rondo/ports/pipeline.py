"""Which stages are up to date, and the content of their outputs under version control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StageDeclaration:
    """A stage as the pipeline keeper knows it; paths are relative to the project."""

    name: str
    command: str
    deps: tuple[str, ...] = ()
    params: Mapping[str, tuple[str, ...]] | None = None  # file -> keys (none = the whole file)
    outs: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    description: str = ""
    ours: bool = True  # a built-in stage; the user's own stages in the same file are left alone


class PipelineKeeper(Protocol):
    """Remembers with which inputs each stage last ran; content-addressed storage of the outputs."""

    def declare(self, stages: Sequence[StageDeclaration]) -> None:
        """Writes the stages down; stages that are not ours stay as they are."""

    def changes(self, stage: str) -> tuple[str, ...]:
        """Why the stage has to run, in words; empty when it is up to date."""

    def commit(self, stage: str) -> None:
        """Records that the stage ran with today's inputs, and stores its outputs."""

    def versions(self, paths: Sequence[str]) -> Mapping[str, str]:
        """Content hash of each tracked output, as last committed; untracked ones are left out."""

    def restore(self, identity: str, into: Path) -> None:
        """Puts what an output held when it had that content hash into the folder `into`, which is empty.

        Raises:
            NotAvailable: the content is neither here nor in a remote that can be reached.
        """
