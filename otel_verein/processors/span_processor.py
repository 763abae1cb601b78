"""The stages at the end of an operation, in order: tag, find, decide, measure, compress, hand out.

No policy lives here: each stage is a function or object of its own module.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import SpanContext, TraceFlags, get_current_span

from otel_verein import semconv
from otel_verein.config.schema import Config
from otel_verein.faults import FAULTS, Faults
from otel_verein.ledger import Ledger, Operation
from otel_verein.ledger.group import QueryGroup
from otel_verein.ledger.ignored import sift
from otel_verein.ledger.operation import IGNORED_ATTRIBUTE, SPAN_ATTRIBUTE
from otel_verein.ledger.verdict import find
from otel_verein.processors.batch import Outbox
from otel_verein.processors.compression import SpanBuilder
from otel_verein.processors.export_form import Exported, tier
from otel_verein.processors.identity import ProcessResource
from otel_verein.processors.late import LateOperations
from otel_verein.processors.metrics import Measurement, Measures
from otel_verein.processors.sampling import Decision, decide
from otel_verein.processors.tagging import Tags, failed, tag

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricExporter


class VereinSpanProcessor(SpanProcessor):
    """Counts the queries of every operation, keeps the traces that matter, measures all.

    Add it to a ``TracerProvider`` whose sampler is :class:`~otel_verein.processors.sampling.VereinSampler` (any
    sampler that records will do). Kept operations go to *exporter* whole, metrics of all operations to
    *metric_exporter*, as deltas unless *cumulative*. It needs no other span processor; thread- and fork-safe.
    """

    def __init__(
        self,
        exporter: SpanExporter | None,
        config: Config | None = None,
        metric_exporter: MetricExporter | None = None,
        *,
        resource: Resource | None = None,
        cumulative: bool = False,
        faults: Faults = FAULTS,
    ) -> None:
        self._config = config or Config()
        self._late = LateOperations(self._config.limits, self._finish_late)
        self._ledger = Ledger(self._config, self._late.take)
        self._faults = faults
        self._new_span_id = RandomIdGenerator().generate_span_id
        self._resource = ProcessResource(resource if resource is not None else Resource.create())
        self._measures = Measures(self._config.limits.operation_names, cumulative=cumulative, faults=faults)
        self._outbox = Outbox(
            exporter, metric_exporter, self._measures, self._resource, self._config.export, faults, self._close_late
        )
        self._forget()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        # What was open when a child was forked ends in its parent; in the child nobody would end it.
        for operation in getattr(self, "_open", {}).values():
            operation.disown()
        # Open spans by id: the SDK hands on_end a copy that does not lead to the operation.
        self._open: dict[int, Operation] = {}
        self._late.forget()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Give *span* the operation of its local parent, or one of its own."""
        with self._faults.guard("processor.on_start"):
            parent = get_current_span(parent_context)
            operation = getattr(parent, SPAN_ATTRIBUTE, None)
            if operation is None or not operation.open:
                operation = Operation(span, self._ledger)
            elif hasattr(parent, IGNORED_ATTRIBUTE):
                setattr(span, IGNORED_ATTRIBUTE, getattr(parent, IGNORED_ATTRIBUTE))
            setattr(span, SPAN_ATTRIBUTE, operation)
            if len(self._open) >= self._config.limits.open_spans:
                self._give_up_oldest()
            self._open[span.get_span_context().span_id] = operation

    def on_end(self, span: ReadableSpan) -> None:
        """Hold a child until its root ends; judge the operation of a root."""
        with self._faults.guard("processor.on_end"):
            context = span.get_span_context()
            operation = self._open.pop(context.span_id, None) if context is not None else None
            if operation is None or context is None:
                return
            if operation.root_id == context.span_id:
                self._end(operation, span, context)
            elif not operation.open:
                self._follow(operation, span)
            elif len(operation.spans) < self._config.limits.spans_per_operation:
                operation.spans.append(span)
            else:
                operation.spans_dropped += 1

    def shutdown(self) -> None:
        """Export what waits, for at most ``export.shutdown_s``; further operations are dropped and counted."""
        with self._faults.guard("processor.shutdown"):
            self._close_late(idle_only=False)
            self._outbox.close(self._config.export.shutdown_s)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Export all that has ended; False if that took longer than *timeout_millis* or failed."""
        try:
            self._close_late(idle_only=False)
            return self._outbox.flush(timeout_millis / 1000)
        except Exception as fault:  # noqa: BLE001 - reported; a flush must not raise into the application
            self._faults.report("processor.force_flush", fault)
            return False

    def _give_up_oldest(self) -> None:
        """Forget the span that has been open longest; it never ended, so it never was counted as started."""
        abandoned = self._open.pop(next(iter(self._open)), None)
        if abandoned is not None and abandoned.open:
            abandoned.close()
            self._faults.report("operation.abandoned", RuntimeError("a root span was never ended"))

    def _close_late(self, *, idle_only: bool = True) -> None:
        self._late.close(idle_only=idle_only, resource=self._resource())

    def _finish_late(self, operation: Operation, root: ReadableSpan) -> None:
        with self._faults.guard("processor.late"):
            context = root.get_span_context()
            assert context is not None
            self._end(operation, root, context)

    def _end(self, operation: Operation, root: ReadableSpan, context: SpanContext) -> None:
        operation.ended_as = (root.name, context)
        operation.close()
        tags, groups = self._judge(operation, root)
        decision = decide(tags.breaches, context, root.parent, self._config.sampling)
        self._measures.add(_measurement(root, tags, decision.reason.value if decision.reason else None))
        self._outbox.ensure_running()
        if decision.keep:
            self._hand_out(operation, root, tags, groups, decision)
        operation.release()

    def _hand_out(
        self, operation: Operation, root: ReadableSpan, tags: Tags, groups: list[QueryGroup] | None, decision: Decision
    ) -> None:
        form = Exported(decision, tier(decision, tags), self._resource())
        operation.verdict = form
        builder = SpanBuilder(operation, form.resource, lambda parent: form.context(self._child_of(parent)), form.tier)
        queries = list(builder.spans(groups if groups is not None else operation.groups(), self._config.compression))
        extra = (
            operation.facts
            | tags.attributes()
            | {
                semconv.SPANS_MERGED: builder.merged,
                semconv.SPANS_DROPPED: operation.spans_dropped,
            }
        )
        children = [form.span(child) for child in operation.spans]
        self._outbox.put([form.root(root, extra, tags.findings), *children, *queries])

    def _judge(self, operation: Operation, root: ReadableSpan) -> tuple[Tags, list[QueryGroup] | None]:
        """The tags, and the groups where there were enough queries for a verdict."""
        totals = operation.totals()
        groups = operation.groups() if operation.repeated else None
        repeats = find(groups, self._config.n_plus_one) if groups else []
        findings, ignored = sift(repeats, root.name, self._config.ignore.rules, date.today()) if repeats else ([], ())
        tags = tag(totals, _duration_s(root), failed(root), findings, self._config.thresholds)
        return (replace(tags, ignored=ignored) if ignored else tags), groups

    def _follow(self, operation: Operation, span: ReadableSpan) -> None:
        """A span that outlives its root follows the root's decision."""
        form: Exported | None = operation.verdict
        if form is not None:
            self._outbox.put([form.span(span)], operations=0)

    def _child_of(self, parent: SpanContext) -> SpanContext:
        return SpanContext(
            parent.trace_id, self._new_span_id(), False, TraceFlags(parent.trace_flags), parent.trace_state
        )


def _duration_s(span: ReadableSpan) -> float:
    return max(0, (span.end_time or 0) - (span.start_time or 0)) / 1e9


def _measurement(root: ReadableSpan, tags: Tags, keep_reason: str | None) -> Measurement:
    breaches = (*tags.breaches, "any") if tags.over_budget else tags.breaches
    return Measurement(
        operation=root.name,
        kind=root.kind.name.lower(),
        status="error" if "error" in tags.breaches else "ok",
        duration_s=_duration_s(root),
        queries=tags.totals.queries,
        db_duration_s=tags.totals.db_duration_ns / 1e9,
        breaches=breaches,
        findings=tuple(finding.kind.value for finding in tags.findings),
        ignored=tags.ignored,
        keep_reason=keep_reason,
    )
