"""The spans of messages, many at once: those that can be taken become rows, with their findings.

They are looked at some thousands at a time, whatever messages they came in: of a few at a time, the looking would take
longer than what is seen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from otel_verein.store.taking import otlp, span_rows
from otel_verein.store.taking.finding_rows import FindingRows, has_findings
from otel_verein.store.taking.otlp import UNUSABLE, Span
from otel_verein.store.taking.promoted import Promoted, promoted
from otel_verein.store.taking.span_rows import SpanRows, Where

At = tuple[Path, int] | None
"""Where a message came from: the segment, and the byte at which it begins there."""

SetAside = Callable[[str, bytes, At], None]
"""Reason, item, and where its message came from."""

_TOGETHER: Final = 4096


class _Run(NamedTuple):
    """Spans that follow on each other: whose, how many, and the message that they came in."""

    where: Where
    length: int
    at: At


class Spans:
    """Takes spans; what cannot be taken goes to *set_aside* with the reason."""

    def __init__(self, latest_ns: int, set_aside: SetAside) -> None:
        self.rows = SpanRows()
        self.findings = FindingRows()
        self.tallies: dict[str, float] = defaultdict(int)
        self._latest_ns = latest_ns
        self._set_aside = set_aside
        self._waiting: list[Span] = []
        self._runs: list[_Run] = []

    @property
    def number(self) -> int:
        """How many rows wait to be written, or to be made."""
        return self.rows.rows + self.findings.rows + len(self._waiting)

    def take(self, spans: Sequence[Span], where: Where, at: At) -> None:
        """Take *spans* of one instrumentation in one process."""
        self._waiting += spans
        self._runs.append(_Run(where, len(spans), at))
        if len(self._waiting) >= _TOGETHER:
            self.settle()

    def settle(self) -> None:
        """Make rows of all that was taken until now."""
        spans, runs = self._waiting, self._runs
        self._waiting, self._runs = [], []
        if spans and not span_rows.all_good(spans, self._latest_ns):
            problems = [span_rows.problem_of(span, self._latest_ns) for span in spans]
            spans, runs = self._without(spans, runs, problems)
        texts = [bytes(span.attributes) for span in spans]
        found = [_promoted(text) for text in texts]
        if None in found:
            problems = [span_rows.BAD_ATTRIBUTES if each is None else None for each in found]
            spans, runs = self._without(spans, runs, problems)
            texts = [text for text, each in zip(texts, found, strict=True) if each is not None]
        known = [each for each in found if each is not None]
        if spans:
            self._add(spans, texts, known, runs)

    def _without(
        self, spans: Sequence[Span], runs: Sequence[_Run], problems: Sequence[str | None]
    ) -> tuple[list[Span], list[_Run]]:
        """The spans without a problem, with their runs; the others are set aside."""
        good: list[Span] = []
        left: list[_Run] = []
        begin = 0
        for run in runs:
            before = len(good)
            for span, problem in zip(
                spans[begin : begin + run.length], problems[begin : begin + run.length], strict=True
            ):
                if problem is None:
                    good.append(span)
                else:
                    self._set_aside(problem, otlp.encoded(span), run.at)
            begin += run.length
            left.append(run._replace(length=len(good) - before))
        return good, left

    def _add(
        self, spans: Sequence[Span], texts: Sequence[bytes], known: Sequence[Promoted], runs: Sequence[_Run]
    ) -> None:
        places = [at for at, span in enumerate(spans) if len(span.events) > 2 and has_findings(span)]
        if places:
            wheres = [run.where for run in runs for _ in range(run.length)]
            for at in places:
                self._find(spans[at], known[at], wheres[at])
        self.rows.add(spans, texts, known, [(run.where, run.length) for run in runs])
        self.tallies["spans"] += len(spans)

    def _find(self, span: Span, found: Promoted, where: Where) -> None:
        """The findings of a span that is taken in any case."""
        try:
            usable, unusable = self.findings.add(span, found.operation or span.name or "", where.origin)
        except UNUSABLE:
            usable, unusable = 0, 1
        self.tallies["findings"] += usable
        self.tallies["findings_unusable"] += unusable


@lru_cache(maxsize=4096)
def _promoted(attributes: bytes) -> Promoted | None:
    return promoted(attributes)
