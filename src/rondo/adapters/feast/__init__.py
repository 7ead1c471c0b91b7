"""Feast: the generated feature repository, and an embedded online store that servers read without Feast.

rows.py           online values in SQLite; no Feast
repository.py     the text of the generated repository; no Feast
online_store.py   Feast's plug-in over rows.py
store.py          the FeatureStore: publishes, and applies the repository when its definitions changed
"""
