"""DataPipeline, reaching its sources as a project does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from rondo.assembly import default_access, utc_now
from rondo.contract import Project
from rondo.ports.progress import Progress
from rondo.stages import data


class DataPipeline(data.DataPipeline):
    __doc__ = data.DataPipeline.__doc__

    def __init__(
        self,
        config: Mapping[str, Any] | Project,
        *,
        folder: Path | str = ".",
        access: data.Access | None = None,
        progress: Progress | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Reads nothing yet.

        Args:
            config: the project, or a mapping with the keys of its data section.
            folder: relative paths start here.
            access: how sources are read; by default as the installed adapters do.
            progress: who is told; by default nobody.
            clock: aware.

        Raises:
            ContractError: the configuration cannot be.
        """
        reached = access or default_access(Path(folder))
        super().__init__(config, access=reached, progress=progress, clock=clock)
