"""The stages at the end of an operation, in order: tag, find, decide, measure, compress, hand out.

No policy lives here: each stage is a function or object of its own module.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, SpanKind

from otel_verein import semconv
from otel_verein.faults import Faults
from otel_verein.ledger import Operation
from otel_verein.ledger.group import QueryGroup
from otel_verein.ledger.ignored import sift
from otel_verein.ledger.operation import NOT_COUNTED
from otel_verein.ledger.verdict import find
from otel_verein.processors.anchors import Anchors
from otel_verein.processors.compression import SpanBuilder
from otel_verein.processors.edition import Edition
from otel_verein.processors.export_form import Exported, tier
from otel_verein.processors.identity import ProcessResource
from otel_verein.processors.metrics import Measurement, Measures
from otel_verein.processors.outbox import Outbox
from otel_verein.processors.sampling import Decision, Remembered
from otel_verein.processors.tagging import Tags, failed, tag

_NOT_EXPORTED = object()
"""The verdict of what is not exported."""
_KINDS = {kind: kind.name.lower() for kind in SpanKind}


class _Ended(NamedTuple):
    """A kept operation, and what the first stages found out about it."""

    operation: Operation
    edition: Edition
    root: ReadableSpan
    context: SpanContext
    tags: Tags
    groups: list[QueryGroup] | None


class Stages:
    """Runs the stages on the thread that ends a root span."""

    def __init__(
        self,
        remembered: Remembered,
        measures: Measures,
        outbox: Outbox,
        resource: ProcessResource,
        new_span_id: Callable[[], int],
        start_threads: Callable[[], bool],
        faults: Faults,
    ) -> None:
        self._remembered = remembered
        self._measures = measures
        self._outbox = outbox
        self._resource = resource
        self._new_span_id = new_span_id
        self._start_threads = start_threads
        self.threads_run = False
        """Whether the threads of the process are there; to be set back in a forked child."""
        self._faults = faults

    def run(self, operation: Operation, root: ReadableSpan, context: SpanContext, *, late: bool = False) -> None:
        """End *operation*, whose *root* span has ended; *late* if it is one of queries after the end of another."""
        if not self.threads_run:  # also without recording, which may be switched on again
            self.threads_run = self._start_threads()
        edition: Edition = operation.ledger  # type: ignore[assignment] # every operation of a processor has one
        name = root.name
        operation.ended_as = (name, context)
        operation.close()
        if not edition.recording:
            operation.verdict = _NOT_EXPORTED
            operation.release()
            return
        duration_s = _duration_s(root)
        tags, groups = _judge(operation, edition, root, name, duration_s)
        decision = edition.policy.at_end(
            tags.breaches,
            name,
            context.trace_id,
            context.trace_state,
            root.parent,
            operation.cap,
            operation.forced,
            operation.followed,
        )
        self._remembered.put(context.trace_id, decision.would_keep, decision.threshold)
        breaches = tags.breaches
        measured = Measurement(
            name,
            _KINDS[root.kind],
            "error" if "error" in breaches else "ok",
            duration_s,
            tags.totals.queries if tags.totals.counted else None,
            tags.totals.db_duration_ns / 1e9,
            (*breaches, "any") if breaches and tags.over_budget else breaches,
            tuple(finding.kind.value for finding in tags.findings) if tags.findings else (),
            tags.ignored,
            decision.reason.value if decision.reason is not None else None,
            0,  # the ids, the end and what was merged are of kept ones
            0,
            0,
            0,
            operation.spans_dropped,
            late,
        )
        if decision.reason is None:
            operation.verdict = _NOT_EXPORTED
            if edition.metrics:
                self._measures.add(measured)
        else:
            self._keep(_Ended(operation, edition, root, context, tags, groups), decision, measured)
        operation.release()
        if operation.spans:
            self.follow(operation)

    def follow(self, operation: Operation) -> None:
        """Let the spans that outlive their root follow its decision; nothing before there is one."""
        form = operation.verdict
        while form is not None:
            try:
                span = operation.spans.pop()  # of two threads at this place one gets each span
            except IndexError:
                return
            if form is not _NOT_EXPORTED:
                self._outbox.put([form.span(span)], operations=0)

    def _keep(self, ended: _Ended, decision: Decision, measured: Measurement) -> None:
        """Count a kept operation, then hand it out: whatever ends the process, no more is exported than was kept."""
        form = Exported(decision, tier(decision, ended.tags), self._resource())
        spans: list[ReadableSpan] = []
        merged = 0
        try:
            spans, merged = self._built(ended, form)
        except Exception as fault:  # noqa: BLE001 - reported, and the operation counted as lost
            self._faults.report("processor.build", fault)
        ended.operation.verdict = form if spans else _NOT_EXPORTED
        if ended.edition.metrics:
            self._measures.add(
                measured._replace(
                    trace_id=ended.context.trace_id,
                    span_id=ended.context.span_id,
                    ended_ns=ended.root.end_time or 0,
                    spans_merged=merged,
                )
            )
        if spans:
            self._outbox.put(spans)
        else:
            self._measures.dropped("fault")

    def _built(self, ended: _Ended, form: Exported) -> tuple[list[ReadableSpan], int]:
        """What is exported, and how many queries its summary spans stand for."""
        operation, edition, root, context, tags, groups = ended
        anchors = Anchors(operation, context) if operation.spans_dropped else None
        at = anchors.at if anchors is not None else None
        builder = SpanBuilder(operation, form.resource, self._below(form), form.tier, at)
        if groups is None:
            groups = operation.groups() if edition.counting else []
        queries = list(builder.spans(groups, edition.compression))
        extra: dict[str, Any] = {
            **operation.facts,
            **(tags.attributes() if edition.tagging else {}),
            semconv.SPANS_MERGED: builder.merged,
            semconv.SPANS_DROPPED: operation.spans_dropped,
        }
        last_first = [operation.spans.pop() for _ in range(len(operation.spans))]  # what comes from now on is late
        children = [form.span(child, anchors.above(child) if anchors else None) for child in reversed(last_first)]
        findings = tags.findings if edition.tagging else ()
        return [form.root(root, extra, findings), *children, *queries], builder.merged

    def _below(self, form: Exported) -> Callable[[SpanContext], SpanContext]:
        return lambda parent: form.in_trace(parent, self._new_span_id())


def _judge(
    operation: Operation, edition: Edition, root: ReadableSpan, name: str, duration_s: float
) -> tuple[Tags, list[QueryGroup] | None]:
    """The tags, and the groups where there were enough queries for a verdict."""
    thresholds = edition.thresholds(name)
    if not edition.counting:
        return tag(NOT_COUNTED, duration_s, failed(root), (), thresholds), None
    totals = operation.totals()
    groups = operation.groups() if operation.repeated else None
    repeats = find(groups, edition.config.n_plus_one) if groups else ()
    if not repeats:
        return tag(totals, duration_s, failed(root), (), thresholds), groups
    findings, ignored = sift(repeats, name, edition.config.ignore.rules, date.today())
    tags = tag(totals, duration_s, failed(root), findings, thresholds)
    return (tags._replace(ignored=ignored) if ignored else tags), groups


def _duration_s(span: Any) -> float:
    """Of the monotonic clock where the span has it."""
    known = getattr(span, "duration_ns", None)
    return (known if known is not None else max(0, (span.end_time or 0) - (span.start_time or 0))) / 1e9
