"""The contract: what the project file asks, one frozen module per stage.

In:   rondo.yaml
Out:  a LoadedProject whose values are typed, with units in base units and secrets by reference;
      or a ContractError with everything that is wrong, each problem with its line, rule and mend

project.py        the whole file; beside it one module per section
units.py          values with units
metrics.py        the names that a metric may have
business.py       the online metrics that outcomes can tell
yaml_scalars.py   what an unquoted word stands for
yaml_nodes.py     YAML with its lines
loading.py        from the file to the Project
wording.py        what pydantic found, in plain words
references.py     ${NAME} and env:NAME
cron.py           schedules
calendar.py       days that come again
checks/           what sections say about each other
schema.py         the JSON Schema
"""

from __future__ import annotations

from rondo.contract.checks import Finding, check, missing_files, require_sound
from rondo.contract.loading import LoadedProject, load_project
from rondo.contract.project import PROJECT_FILE, Project
from rondo.contract.references import resolve
from rondo.contract.schema import json_schema

__all__ = [
    "PROJECT_FILE",
    "Finding",
    "LoadedProject",
    "Project",
    "check",
    "json_schema",
    "load_project",
    "missing_files",
    "require_sound",
    "resolve",
]
