"""The release bundle: what is released, and what runs it, with NumPy, Polars and ONNX Runtime alone.

plan.py        the feature plan, as data               manifest.py    which files, with which bytes
batch.py       the plan over a table                   bundle.py      writes a bundle, loads a verified one
online.py      the plan over a request                 graph.py       what a graph may hold
versions.py    which part of a version grows           model.py       runs the graph
                                                       golden.py      rows with recorded answers
windows.py     aggregates over earlier rows            reference.py   the judged rows in figures
candidates.py  what a ranking chooses from             differences.py what differs between two bundles
explanation.py contributions of the features           tree_shap.py    those of trees
request_values.py   what a request's values may be     user_functions.py   the user's Python features
"""
