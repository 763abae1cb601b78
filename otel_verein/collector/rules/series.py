"""How our metrics are called in Prometheus, and how text goes into its expressions."""

from __future__ import annotations

from otel_verein import semconv
from otel_verein.collector.rules.window import Window


def label(attribute: str) -> str:
    """The label that the collector makes of an attribute."""
    return attribute.replace(".", "_")


def counter(metric: str) -> str:
    """The series of one of our counters."""
    return f"{label(metric)}_total"


OPERATION = label(semconv.OPERATION)
KIND = label(semconv.OPERATION_KIND)
BREACH = label(semconv.BREACH)
FINDING = label(semconv.FINDING_KIND)
REASON = label(semconv.DROP_REASON)
SITE = label(semconv.ERROR_SITE)
ENVIRONMENT = label(semconv.ENVIRONMENT)
DIGEST = label(semconv.CONFIG_DIGEST)
STATE = label(semconv.CONFIG_STATE)
OUTCOME = label(semconv.CONFIG_OUTCOME)

SERVICE_LABELS = f"job, {ENVIRONMENT}"
OPERATION_LABELS = f"{SERVICE_LABELS}, {OPERATION}, {KIND}"

DURATION = f"{label(semconv.METRIC_DURATION)}_seconds"
DB_DURATION = f"{label(semconv.METRIC_DB_DURATION)}_seconds"
QUERIES = label(semconv.METRIC_QUERIES)
CONFIG_INFO = label(semconv.METRIC_CONFIG_INFO)

FOREIGN_CALLS = "traces_span_metrics_calls_total"
FOREIGN_DURATION = "traces_span_metrics_duration_seconds"
FOREIGN_QUERIES = "verein_db_queries_total"
FOREIGN_NAME = "span_name"
FOREIGN_LABELS = f"{SERVICE_LABELS}, {FOREIGN_NAME}, span_kind"
FOREIGN_OPERATIONS = '{span_kind=~"SPAN_KIND_SERVER|SPAN_KIND_CONSUMER"}'
"""What the collector makes from the spans of services without our SDK: their requests and jobs."""

FIGURES_JOB = "otel-verein"
COLLECTOR_JOB = "otel-verein-collector"
"""The two scrape jobs: the figures of operations, and those of the collector itself."""


def increase(selector: str, away: Window) -> str:
    """An expression for what the counters of *selector* have grown by within the last minute, as whole numbers.

    Evaluated once a minute, the results of all minutes add up to exactly what was counted. ``increase()`` guesses
    beyond the ends of its window and leaves out what a series holds at its first scrape, which for a counter of rare
    events, or of a short process, is all of it. Here a series that was not there within *away* counts whole, and one
    that has fallen has begun again.
    """
    return f"(\n  {selector} - last_over_time({selector}[{away}] offset 1m) >= 0\n  or {selector}\n)"


def quoted(text: str) -> str:
    """*text* as a string of PromQL, in printable ASCII."""
    return '"' + "".join(map(_character, text)) + '"'


def _character(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if " " <= character <= "~":
        return character
    code = ord(character)
    if 0xD800 <= code < 0xE000:  # half of a surrogate pair is no character; Go has no escape for it
        code = 0xFFFD
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
