"""Where and how the server answers."""

from __future__ import annotations

from pydantic import Field

from rondo.contract._base import Section
from rondo.contract.units import Duration


class Access(Section):
    """Tokens by reference (env:NAME), one per role; `operate` may do what `view` may, `view` what `predict` may.

    Without tokens only this machine is answered.
    """

    predict: str | None = None
    """Predictions, explanations, outcomes."""
    view: str | None = None
    """The dashboard and the figures."""
    operate: str | None = None
    """Whatever changes something: rollouts, approvals, alerts."""


class Serving(Section):
    """The serving section."""

    host: str = "127.0.0.1"
    """Another address than this machine's own needs `access.predict`."""
    hosts: tuple[str, ...] = ()
    """Further names under which clients ask it, as of a proxy; all others are refused."""
    port: int = Field(default=8080, ge=0, le=65_535)
    max_inflight: int = Field(default=256, ge=1)
    """Requests that may wait; beyond it the answer is 429."""
    max_body_kb: int = Field(default=4096, ge=1)
    max_rows: int = Field(default=10_000, ge=1)
    max_corrections: int = Field(default=1000, ge=0)
    """Known outcomes that one client (by its address) may change or take back in an hour; beyond the answer is 429."""
    access: Access = Access()
    dashboard_port: int = Field(default=8081, ge=0, le=65_535)
    """Where `rondo up` shows the dashboard."""
    flush_every: Duration = Field(default="200ms", validate_default=True)
    """How often the prediction log is written."""
