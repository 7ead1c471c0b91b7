"""The schedule, and the user's own script stages beside the built-in ones."""

from __future__ import annotations

from pydantic import Field

from rondo.contract._base import Section


class ScriptStage(Section):
    """One script of the user; its inputs, parameters and outputs are tracked."""

    name: str
    script: str
    inputs: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    """Parameter files (YAML, JSON, TOML)."""
    outputs: tuple[str, ...] = ()


class Pipeline(Section):
    """The pipeline section."""

    name: str | None = None
    schedule: str | None = None
    """Cron, five fields."""
    timezone: str = "UTC"
    stages: tuple[ScriptStage, ...] = ()
    builtin: bool = Field(default=True)
    """Whether the built-in stages run too; false when the scripts are the whole pipeline."""
