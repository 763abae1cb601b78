"""Histograms and counters of every operation: taken at its end, added up and handed out off its path."""

from otel_verein.processors.metrics.measures import Measures
from otel_verein.processors.metrics.sums import Measurement

__all__ = ["Measurement", "Measures"]
