"""Configuration: one schema, read from file and environment, checked as a whole."""

from otel_verein.config.load import load
from otel_verein.config.schema import Config

__all__ = ["Config", "load"]
