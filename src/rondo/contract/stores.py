"""Where state, runs and artefacts live."""

from __future__ import annotations

from rondo.contract._base import Section


class Stores(Section):
    """The stores section; a word for the embedded keeper, a URL for the team's."""

    state: str = "sqlite"
    tracking: str = "sqlite"
    artifacts: str = "./mlartifacts"
