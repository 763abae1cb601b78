"""The one part of the package that is compiled; where that cannot be, its Python form does the same work."""

import sys

from setuptools import Extension, setup

FASTLANE = Extension(
    "otel_verein.instrumentation.drivers._fastlane", ["otel_verein/instrumentation/drivers/_fastlane.c"], optional=True
)

# Its clock is the one that Python's perf_counter uses on Linux.
COMPILED = sys.platform == "linux" and sys.implementation.name == "cpython"

setup(ext_modules=[FASTLANE] if COMPILED else [])
