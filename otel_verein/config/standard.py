"""The standard ``OTEL_*`` variables and files that say what an option of ours says: they keep their meaning.

Sources: OpenTelemetry specification, "Environment Variable Specification" and "Declarative configuration: data model".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from otel_verein import semconv
from otel_verein.config.document import ListNode, MapNode, Member, Node, Scalar
from otel_verein.config.document.scalars import meaning
from otel_verein.config.entries import Entry, Given, NotUsableError, value_of
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
_SUBSTITUTION = re.compile(r"\$(?:\$|\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})")


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


def substituted(node: Node, environ: Mapping[str, str]) -> Node:
    """*node* with ``${NAME}`` and ``${NAME:-default}`` in its values replaced, as in any declarative configuration."""
    if isinstance(node, MapNode):
        members = (Member(each.key, each.line, substituted(each.node, environ)) for each in node.members)
        return MapNode(tuple(members), node.line)
    if isinstance(node, ListNode):
        return ListNode(tuple(substituted(each, environ) for each in node.items), node.line)
    if not isinstance(node.value, str) or "$" not in node.value:
        return node

    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        return "$" if name is None else environ.get(name) or found.group(2) or ""

    return Scalar(meaning(_SUBSTITUTION.sub(value, node.value)), node.line)


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
    entry = _entry(key, f"{int(text) / 1000:g}", variable)
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
    return Entry(key, Given(text, variable, is_text=True), "OTEL variable")
