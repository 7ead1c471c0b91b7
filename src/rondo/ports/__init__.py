"""Ports: what Rondo asks of the world, each named by its purpose.

sources.py         SourceReader                    state.py           StateStore
pipeline.py        PipelineKeeper                  prediction_log.py  PredictionWriter, PredictionLog
feature_store.py   FeatureStore, OnlineValues      tracking.py        ExperimentTracker, ModelRegistry
tuning.py          Tuner                           progress.py        Progress
notifier.py        Notifier                        accelerators.py    AcceleratorReader

columns.py         columns from loose values, and
texts.py           their types: rules that all source readers share
"""
