"""The standard ``OTEL_*`` variables that say what an option of ours says: they keep their meaning.

Source: OpenTelemetry specification, "Environment Variable Specification".
"""

from __future__ import annotations

from collections.abc import Mapping

from otel_verein import semconv
from otel_verein.config.entries import STANDARD_VARIABLE, Entry, Given, NotUsableError, value_of
from otel_verein.config.validate import OPTIONS
from otel_verein.errors import Problem

SAMPLER = "OTEL_TRACES_SAMPLER"
SAMPLER_ARGUMENT = "OTEL_TRACES_SAMPLER_ARG"
RESOURCE = "OTEL_RESOURCE_ATTRIBUTES"
_ENVIRONMENT_KEYS = (semconv.ENVIRONMENT, "deployment.environment")
_FIXED_RATIOS = {"always_on": "1", "always_off": "0"}
MILLISECONDS = {
    "OTEL_BSP_SCHEDULE_DELAY": "export.interval_s",
    "OTEL_METRIC_EXPORT_INTERVAL": "export.metrics_interval_s",
}
_LONGEST_NUMBER = 12


def variables(environ: Mapping[str, str]) -> tuple[list[Entry], list[Problem]]:
    """The entries that standard variables stand for, and what was left aside in them: that is no error."""
    entries, notes = _sampler(environ)
    for variable, key in MILLISECONDS.items():
        given = environ.get(variable, "").strip()
        entry = _of_milliseconds(given, key, variable)
        if entry is not None:
            entries.append(entry)
        elif given:
            notes.append(Problem(variable, f"{given[:40]!r} is no usable number of milliseconds; it is left aside"))
    return entries, notes


def environment_of(environ: Mapping[str, str]) -> str:
    """The name of the deployment environment among the resource attributes, or nothing."""
    from urllib.parse import unquote

    parts = (part.partition("=") for part in environ.get(RESOURCE, "").split(","))
    pairs = {key.strip(): unquote(value.strip()) for key, _, value in parts}
    return next((pairs[key] for key in _ENVIRONMENT_KEYS if pairs.get(key)), "")


def _sampler(environ: Mapping[str, str]) -> tuple[list[Entry], list[Problem]]:
    given = environ.get(SAMPLER, "").strip().lower()
    if not given:
        return [], []
    kind = given.removeprefix("parentbased_")
    where = SAMPLER
    if kind in _FIXED_RATIOS:
        ratio = _FIXED_RATIOS[kind]
    elif kind == "traceidratio":
        ratio, where = environ.get(SAMPLER_ARGUMENT, "").strip() or "1", SAMPLER_ARGUMENT
        if not _is_ratio(ratio):
            return [], [Problem(where, f"{ratio[:40]!r} is no number from 0 to 1; {SAMPLER} is left aside")]
    else:
        return [], [Problem(SAMPLER, f"{given[:40]!r} is no sampler that otel-verein can stand for; it is left aside")]
    parents = "follow" if given.startswith("parentbased_") else "ignore"
    return [_entry("sampling.ratio", ratio, where), _entry("sampling.remote_parents", parents, SAMPLER)], []


def _of_milliseconds(text: str, key: str, variable: str) -> Entry | None:
    """The option *key*, which is in seconds; None for what is no such number, or beyond its bounds."""
    if not text.isdecimal() or len(text) > _LONGEST_NUMBER:
        return None
    entry = _entry(key, str(int(text) / 1000), variable)
    try:
        value_of(entry, OPTIONS[key].metadata)
    except NotUsableError:
        return None
    return entry


def _is_ratio(text: str) -> bool:
    try:
        return 0 <= float(text) <= 1
    except ValueError:
        return False


def _entry(key: str, text: str, variable: str) -> Entry:
    return Entry(key, Given(text, variable, is_text=True), STANDARD_VARIABLE)
