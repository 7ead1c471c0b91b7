"""Features: from a processed table to the matrix that the model learns from, and to the feature store.

In:   a Dataset and its table           (rondo.records)
Out:  a FeatureTable and its folder     (rondo.records)
Asks: FeatureStore                      (rondo.ports)

plan.py           definitions -> FeaturePlan; expressions.py and python_files.py check what they may be
examples.py       which moments of which entities, with their target
ranking.py        the same of a ranking: which items for which entity at which moment
matrix.py         examples with their features
leakage.py        features that give the target away
proof.py          batch equals online, and nothing looks into the future; list_proof.py the same of lists
versions.py       the semantic version of the features
build.py          carries it out
engineer.py       the same, by hand in a notebook
"""

from __future__ import annotations

from rondo.stages.features.build import build
from rondo.stages.features.engineer import FeatureEngineer
from rondo.stages.features.plan import compile_plan

__all__ = ["FeatureEngineer", "build", "compile_plan"]
