"""Ports: what Rondo asks of the world, each named by its purpose.

sources.py         SourceReader                    state.py           StateStore
pipeline.py        PipelineKeeper                  prediction_log.py  PredictionWriter, PredictionLog
feature_store.py   FeatureStore, OnlineValues      tracking.py        ExperimentTracker, ModelRegistry
tuning.py          Tuner                           progress.py        Progress
"""
