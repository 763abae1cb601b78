"""A job that tries a driver which cannot be imported, as an application with an optional database does."""

from __future__ import annotations

import sqlite3

from opentelemetry import trace

try:
    import psycopg2
except ImportError as missing:
    print(f"without psycopg2: {missing}", flush=True)
else:
    print(f"with {psycopg2.__name__}", flush=True)

with trace.get_tracer("job").start_as_current_span("job"):
    sqlite3.connect(":memory:").execute("select 1")
