"""Configuration: one schema, read from file and environment, checked as a whole."""

from otel_verein.config.load import load
from otel_verein.config.schema import Config
from otel_verein.config.validate import Problem

__all__ = ["Config", "Problem", "load"]
