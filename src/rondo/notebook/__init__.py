"""The rooms under their usual names, for a notebook or a script: each class takes what a project would by default.

pipeline.py    DataPipeline: sources are read by the installed adapters
trainer.py     ModelTrainer: runs go to MLflow, searches to Optuna
deployer.py    ModelDeployer: versions are those of an MLflow registry

FeatureEngineer, ModelValidator and RetrainingTrigger ask nothing of the world: they are their rooms' own.
"""
