"""One rule of Prometheus, and rules as text.

A number of the configuration stands at the end of a line of an expression, with the option it is from behind it: a
comment of PromQL, which Prometheus shows, too.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from otel_verein.config.layers import values_of
from otel_verein.config.schema import Config

WARNING, CRITICAL = "warning", "critical"
"""The label ``severity``: look at it by day, or somebody is called."""

_RUNBOOK = "docs/how-to/alerts.md"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A series that is worked out by Prometheus."""

    name: str
    expression: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alert:
    """What fires when *expression* has had a value for *wait*.

    ``summary`` is one line, ``description`` says the figures, how many operations they rest on, and what it means,
    ``action`` what to run or to do.
    """

    name: str
    expression: str
    severity: str
    summary: str
    description: str
    action: str
    wait: str = "0m"
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated one after another, every minute."""

    name: str
    note: str
    rules: Sequence[Recorded | Alert]


def of_option(config: Config, key: str, times: int = 1) -> str:
    """The number of the option *key*, and where it is from; the line ends with it."""
    factor = f" x {times}" if times != 1 else ""
    return f"{number(values_of(config)[key] * times)}  # from {key}{factor}"


def number(value: float) -> str:
    """A number as PromQL has it."""
    return f"{value:.12g}"


def group_text(group: Group) -> Iterator[str]:
    """The lines of one group in a rule file."""
    yield from (f"  # {line}" for line in textwrap.wrap(group.note, 112))
    yield f"  - name: {group.name}"
    yield "    interval: 1m"
    yield "    rules:"
    for rule in group.rules:
        yield from _recorded(rule) if isinstance(rule, Recorded) else _alert(rule)


def _recorded(rule: Recorded) -> Iterator[str]:
    yield f"      - record: {rule.name}"
    yield from _block("expr", rule.expression)
    yield from _mapping("labels", rule.labels)


def _alert(alert: Alert) -> Iterator[str]:
    yield f"      - alert: {alert.name}"
    yield from _block("expr", alert.expression)
    if alert.wait != "0m":
        yield f"        for: {alert.wait}"
    yield from _mapping("labels", {"severity": alert.severity, **alert.labels})
    annotations = {
        "summary": alert.summary,
        "description": alert.description,
        "action": alert.action,
        "runbook": f"{_RUNBOOK}#{alert.name.lower()}",
    }
    yield from _mapping("annotations", annotations)


def _block(key: str, text: str) -> Iterator[str]:
    yield f"        {key}: |-"
    yield from (f"          {line}".rstrip() for line in text.splitlines())


def _mapping(key: str, pairs: Mapping[str, str]) -> Iterator[str]:
    if pairs:
        yield f"        {key}:"
        for name, value in pairs.items():
            quoted = value if value.isidentifier() else "'" + value.replace("'", "''") + "'"
            yield f"          {name}: {quoted}"
