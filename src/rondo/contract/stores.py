"""Where state, runs and artefacts live."""

from __future__ import annotations

from typing import Literal

from rondo.contract._base import Filled, Section


class Stores(Section):
    """The stores section; a word for the embedded keeper, a URL for the team's."""

    state: Filled = "sqlite"
    """`sqlite`, or the URL of a PostgreSQL, in which every project has a schema of its own."""
    tracking: Filled = "sqlite"
    artifacts: Filled = "./mlartifacts"
    """A folder, or s3://bucket/prefix; its keys come from the environment (AWS_ACCESS_KEY_ID ...)."""
    engine: Literal["local"] = "local"
    """What runs the heavy steps."""
