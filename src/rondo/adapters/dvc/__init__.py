"""DVC keeps the pipeline's state and the content of its outputs.

keeper.py   DvcKeeper: declares stages in dvc.yaml, tells what changed, commits what ran
"""
