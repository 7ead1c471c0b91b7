"""Where state, runs and artefacts live."""

from __future__ import annotations

from typing import Literal

from rondo.contract._base import Filled, Section


class Stores(Section):
    """The stores section; a word for the embedded keeper, a URL for the team's."""

    state: Filled = "sqlite"
    tracking: Filled = "sqlite"
    artifacts: Filled = "./mlartifacts"
    engine: Literal["local"] = "local"
    """What runs the heavy steps."""
