"""The two parts of the package that are compiled; where that cannot be, their Python forms do the same work."""

import sys

from setuptools import Extension, setup

EXTENSIONS = [
    Extension(f"otel_verein.{name}", [f"otel_verein/{name.replace('.', '/')}.c"], optional=True)
    for name in ("instrumentation.drivers._fastlane", "ledger._skeleton")
]

# The clock of the lanes is the one that Python's perf_counter uses on Linux.
COMPILED = sys.platform == "linux" and sys.implementation.name == "cpython"

setup(ext_modules=EXTENSIONS if COMPILED else [])
