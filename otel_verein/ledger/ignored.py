"""What is no finding although it repeats: blocks of code that say so, and rules of the configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

from opentelemetry.trace import Span, SpanContext
from opentelemetry.trace.status import Status, StatusCode

from otel_verein import semconv
from otel_verein.config.schema import IgnoreRule
from otel_verein.ledger.operation import IGNORED_ATTRIBUTE, SPAN_ATTRIBUTE
from otel_verein.ledger.verdict import Finding


class IgnoredSpan(Span):
    """The current span while repeats are ignored: the *original* in all but that queries under it are told apart.

    A mark that travels with the context, so it holds in tasks and threads, and only there.
    """

    def __init__(self, original: Span, reason: str) -> None:
        self._original = original
        setattr(self, IGNORED_ATTRIBUTE, reason)
        setattr(self, SPAN_ATTRIBUTE, getattr(original, SPAN_ATTRIBUTE, None))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)

    def end(self, end_time: int | None = None) -> None:
        """End the original."""
        self._original.end(end_time)

    def get_span_context(self) -> SpanContext:
        """The context of the original."""
        return self._original.get_span_context()

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Set them on the original."""
        self._original.set_attributes(attributes)

    def set_attribute(self, key: str, value: Any) -> None:
        """Set it on the original."""
        self._original.set_attribute(key, value)

    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:
        """Add it to the original."""
        self._original.add_event(name, attributes, timestamp)

    def add_link(self, context: SpanContext, attributes: Any = None) -> None:
        """Add it to the original."""
        self._original.add_link(context, attributes)

    def update_name(self, name: str) -> None:
        """Rename the original."""
        self._original.update_name(name)

    def is_recording(self) -> bool:
        """Whether the original records."""
        return self._original.is_recording()

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set it on the original."""
        self._original.set_status(status, description)

    def record_exception(
        self, exception: BaseException, attributes: Any = None, timestamp: int | None = None, escaped: bool = False
    ) -> None:
        """Record it on the original."""
        self._original.record_exception(exception, attributes, timestamp, escaped)


def sift(
    findings: Sequence[Finding], operation: str, rules: Sequence[IgnoreRule], today: date
) -> tuple[list[Finding], tuple[str, ...]]:
    """The *findings* of *operation* that stand, and for each other one the rule that ignores it.

    A block of code that ignores its repeats reads ``code``; rules that have expired ignore nothing.
    """
    standing: list[Finding] = []
    ignored: list[str] = []
    for finding in findings:
        rule = None if finding.ignored else rule_for(finding, operation, rules, today)
        if finding.ignored or rule is not None:
            ignored.append(rule.name if rule is not None else semconv.IGNORED_BY_CODE)
        else:
            standing.append(finding)
    return standing, tuple(ignored)


def rule_for(finding: Finding, operation: str, rules: Sequence[IgnoreRule], today: date) -> IgnoreRule | None:
    """The first of *rules* that is in force *today* and covers *finding* of *operation*."""
    return next((rule for rule in rules if rule.until >= today and _covers(rule, finding, operation)), None)


def _covers(rule: IgnoreRule, finding: Finding, operation: str) -> bool:
    """Whether every part that *rule* gives matches."""
    return (
        (not rule.operation or fnmatchcase(operation, rule.operation))
        and (not rule.statement or _is_statement(rule.statement, finding))
        and (not rule.call_site or _is_call_site(rule.call_site, finding))
    )


def _is_statement(pattern: str, finding: Finding) -> bool:
    found = finding.fingerprint
    return pattern == found.key or fnmatchcase(found.summary, pattern) or fnmatchcase(found.text, pattern)


def _is_call_site(pattern: str, finding: Finding) -> bool:
    """*pattern* is a glob on ``path:line`` or ``path:function``; the path may be given from any folder on."""
    site = finding.call_site
    if site is None:
        return False
    return any(
        fnmatchcase(f"{site.file}:{place}", given)
        for place in (site.line, site.function)
        for given in (pattern, f"*/{pattern}", f"{pattern}:*", f"*/{pattern}:*")
    )
