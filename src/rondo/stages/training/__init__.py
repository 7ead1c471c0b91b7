"""Training: from the feature matrix to the best candidate, as a graph.

In:   FeatureTable, matrix.parquet                       (rondo.records.features)
Out:  TrainingResult, model.onnx, split.parquet, …       (rondo.records.candidate)
Asks: ExperimentTracker, Tuner                           (rondo.ports)

split.py       which rows are for training, choosing and judging
labels.py      the target as numbers
material.py    the rows, read and divided
encoding.py    encoders and scaler
estimators.py  estimators by import path
search.py      each candidate's parameters
graph.py       pipeline -> ONNX, compared
training.py    the whole
origins.py     a forecast, tried out at several origins
refit.py       what a training at an earlier moment would have made
trainer.py     ModelTrainer, the same by hand
"""

from __future__ import annotations

from rondo.stages.training.trainer import FOREST, ModelTrainer
from rondo.stages.training.training import train

__all__ = ["FOREST", "ModelTrainer", "train"]
