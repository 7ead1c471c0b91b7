"""Packaging: from the best candidate to a release bundle that proves itself.

In:   a FeatureTable with its matrix and plan, a TrainingResult with its graph     (rondo.records)
Out:  a bundle folder and its Manifest                                              (rondo.bundle)
Asks: ExperimentTracker                                                             (rondo.ports)

inputs.py      reads what features and training left, and checks that they belong together
explaining.py  contributions of the features, read out of the model's own graph
packaging.py   compares graph and trained model, chooses golden rows, writes the bundle
"""

from __future__ import annotations

from rondo.stages.packaging.packaging import package

__all__ = ["package"]
