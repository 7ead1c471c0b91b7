"""A server for one version alone, before it gets any traffic: `python -m rondo.cli.trial …`.

It answers on a free port of this machine. State and prediction log are its own, in a scratch folder; of the
project it only reads: the contract, the bundle and the online values.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rondo.assembly import Assembly, open_project
from rondo.contract.serving import Access
from rondo.lifecycle.server_process import TRIAL_TOKEN
from rondo.ports.state import Switch
from rondo.records.release import PROMOTED, Release
from rondo.server import serve

WHO = "preflight"


def main(folder: str, bundle: str, version: str, bundle_id: str, scratch: str) -> None:
    """Serves until a signal.

    Args:
        folder: the project's.
        bundle: the folder of the version's bundle.
        version: the version.
        bundle_id: the bundle that it must be.
        scratch: where everything goes that the server writes.
    """
    real = open_project(Path(folder))
    apart = _apart(real, Path(scratch))
    now = datetime.now(UTC)
    release = Release(version, bundle_id, str(Path(bundle).resolve()), now, judgement="ship")
    apart.state.add_release(release, by=WHO)
    alone = Switch(version, None, {version: 1.0}, None, PROMOTED, WHO, "alone in its own server", 0)
    apart.state.switch(alone, at=now)
    try:
        serve(
            apart.layout.root,
            real.project.project,
            apart.project.serving,
            state=apart.state,
            writer=apart.prediction_writer(),
            online=real.online,
            env=apart.env,
            drain=timedelta(0),
        )
    finally:
        apart.state.close()


def _apart(real: Assembly, scratch: Path) -> Assembly:
    """The project over an embedded state store and a log of its own in that folder."""
    project = real.project
    serving = project.serving.model_copy(
        update={"host": "127.0.0.1", "port": 0, "access": Access(predict=f"env:{TRIAL_TOKEN}")}
    )
    stores = project.stores.model_copy(update={"state": "sqlite"})
    alone = project.model_copy(update={"serving": serving, "stores": stores})
    return Assembly(replace(real.loaded, project=alone, folder=scratch), env=real.env)


if __name__ == "__main__":
    main(*sys.argv[1:])
