"""The embedded PostgreSQL and Redis: real servers out of PyPI wheels, with their data under TABLEFLOW_HOME.

Only the wheels' binaries are used, never their Python APIs. This package needs no Django: settings read the
addresses that it records (tableflow/endpoints.py).
"""
