"""Recording rules and alerts for Prometheus, made from the thresholds.

:func:`rules_text` is pure. The rules read what the collector's endpoints serve: the figures of operations, scraped with
``honor_labels``, and the collector's own.
"""

from otel_verein.collector.rules.document import rules_text

__all__ = ["rules_text"]
