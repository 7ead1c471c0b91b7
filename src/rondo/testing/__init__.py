"""The promises of the ports, as test classes that every adapter inherits; and the world that tests stand in.

Promises: feature_store.py, prediction_log.py, registry.py, sources.py, state.py, tracking.py, tuning.py

bundles.py      small real bundles
deployment.py   a project with such bundles, servers that do what the port asks, a clock that waits by itself
serving.py      the application over tiny releases, without a socket
live_server.py  a server process, and who speaks to it
killing.py      processes that are killed at a named moment
servers.py      PostgreSQL, Redis and S3
web.py          an HTTP server whose answers a test scripts
"""
