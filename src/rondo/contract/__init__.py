"""The contract: what the project file asks, one frozen module per stage.

In:   rondo.yaml
Out:  a Project whose values are typed, with units in base units

units.py     values with units
project.py   the whole file; beside it one module per section
"""

from __future__ import annotations

from rondo.contract.project import PROJECT_FILE, Project

__all__ = ["PROJECT_FILE", "Project"]
