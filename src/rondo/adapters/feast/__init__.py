"""Feast: the generated feature repository, and online values that servers read without Feast.

rows.py                 online values in SQLite; no Feast
redis_rows.py           the same in Redis; no Feast
places.py               where they lie, and how the repository says so; no Feast
repository.py           the text of the generated repository; no Feast
online_store.py         Feast's plug-in over rows.py
redis_online_store.py   the same over redis_rows.py
asof.py                 the point-in-time join; no Feast
offline_store.py        Feast's plug-in over asof.py
store.py                the FeatureStore: publishes, and applies the repository when its definitions changed
"""
