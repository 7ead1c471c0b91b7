"""The schedule, and the user's own script stages beside the built-in ones."""

from __future__ import annotations

from pydantic import Field

from rondo.contract._base import FileName, Filled, Section


class ScriptStage(Section):
    """One script of the user; its inputs, parameters and outputs are tracked."""

    name: FileName
    script: Filled
    inputs: tuple[Filled, ...] = ()
    params: tuple[Filled, ...] = ()
    """Parameter files (YAML, JSON, TOML)."""
    outputs: tuple[Filled, ...] = ()


class Pipeline(Section):
    """The pipeline section."""

    name: Filled | None = None
    schedule: str | None = None
    """Cron, five fields."""
    timezone: str = "UTC"
    stages: tuple[ScriptStage, ...] = ()
    builtin: bool = Field(default=True)
    """Whether the built-in stages run too; false when the scripts are the whole pipeline."""
