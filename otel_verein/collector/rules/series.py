"""How our metrics are called in Prometheus, and how text goes into its expressions."""

from __future__ import annotations

import re

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


def regex_of(glob: str) -> str:
    """The regular expression (RE2, anchored as Prometheus does) of what matches *glob* as `fnmatchcase` has it."""
    parts: list[str] = []
    at = 0
    while at < len(glob):
        character = glob[at]
        at += 1
        if character == "*":
            parts.append("" if parts and parts[-1] == ".*" else ".*")
        elif character == "?":
            parts.append(".")
        elif character == "[" and (end := _end_of_set(glob, at)) is not None:
            parts.append(_set(glob[at:end]))
            at = end + 1
        else:
            parts.append(re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", character))
    return f"(?s:{''.join(parts)})"


def _end_of_set(glob: str, start: int) -> int | None:
    """Where the set that begins at *start* has its closing bracket; the first character may be one itself."""
    first = start + 1 if glob[start : start + 1] == "!" else start
    end = glob.find("]", first + 1)
    return None if end < 0 else end


def _set(inside: str) -> str:
    """A set of characters; ranges that are empty match nothing, as they do there."""
    negated = inside.startswith("!")
    rest = inside[1:] if negated else inside
    members, at = "", 0
    while at < len(rest):
        if rest[at + 1 : at + 2] == "-" and at + 2 < len(rest):
            if rest[at] <= rest[at + 2]:
                members += f"{_member(rest[at])}-{_member(rest[at + 2])}"
            at += 3
        else:
            members += _member(rest[at])
            at += 1
    if not members:
        return "." if negated else r"[^\s\S]"
    return f"[{'^' if negated else ''}{members}]"


def _member(character: str) -> str:
    return f"\\{character}" if character in r"\]^-[&~|" else character
