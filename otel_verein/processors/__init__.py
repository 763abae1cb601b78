"""The end of an operation: tag, find, decide, measure, compress, hand out. See README.md beside this file."""

from otel_verein.processors.sampling import VereinSampler
from otel_verein.processors.span_processor import VereinSpanProcessor

__all__ = ["VereinSampler", "VereinSpanProcessor"]
