"""The release bundle: what is released, and what runs it, with NumPy, Polars and ONNX Runtime alone.

plan.py        the feature plan, as data
manifest.py    which files, with which bytes, made from what
"""
