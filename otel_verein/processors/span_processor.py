"""Which operation a span belongs to, from its start to its end; what follows the end is in ``stages.py``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import SpanContext, StatusCode, get_current_span

from otel_verein.config.schema import Config
from otel_verein.faults import FAULTS, Faults
from otel_verein.ledger import UNATTRIBUTED, Operation
from otel_verein.ledger.operation import IGNORED_ATTRIBUTE, SPAN_ATTRIBUTE
from otel_verein.processors.clock_steps import ClockSteps
from otel_verein.processors.edition import Edition
from otel_verein.processors.follower import Follower
from otel_verein.processors.identity import ProcessResource
from otel_verein.processors.late import LateOperations
from otel_verein.processors.metrics import Measures
from otel_verein.processors.outbox import Outbox
from otel_verein.processors.sampling import Remembered
from otel_verein.processors.stages import Stages

if TYPE_CHECKING:
    from otel_verein.config.watch import Watch
    from otel_verein.errors import ConfigError
    from otel_verein.plain_metrics import AnyMetricExporter

_FAILED_BEYOND = 100
"""Failed spans that an operation holds past its cap: they are what its trace is read for."""


class VereinSpanProcessor(SpanProcessor):
    """Counts the queries of every operation, keeps the traces that matter, measures all.

    Give it to a :class:`~otel_verein.tracing.VereinTracerProvider`, or add it to any ``TracerProvider`` whose sampler
    records (such as :class:`~otel_verein.processors.sampling.VereinSampler`). Kept operations go to *exporter* whole,
    metrics of all operations to *metric_exporter*, as deltas unless *cumulative*, at most every *metrics_every_s*
    seconds. It needs no other span processor; thread- and fork-safe. What *watch* notices is taken over while the
    process runs; *refused* is why *config* stands in for the one that was given.
    """

    def __init__(
        self,
        exporter: SpanExporter | None,
        config: Config | None = None,
        metric_exporter: AnyMetricExporter | None = None,
        *,
        resource: Resource | None = None,
        cumulative: bool = False,
        metrics_every_s: float = 0.0,
        watch: Watch | None = None,
        refused: ConfigError | None = None,
        faults: Faults = FAULTS,
    ) -> None:
        config = config or Config()
        ids = RandomIdGenerator()
        self.new_span_id = ids.generate_span_id
        self.new_trace_id = ids.generate_trace_id
        self._limits = config.limits
        self._late = LateOperations(self._limits, _cap, self._finish_late)
        self.edition = Edition(config, self._late.take)
        """What operations that begin now are judged by."""
        UNATTRIBUTED.counting = self.edition.counting
        self._faults = faults
        self._resource = ProcessResource(resource if resource is not None else Resource.create())
        measures = Measures(self._limits.operation_names, cumulative=cumulative, every_s=metrics_every_s, faults=faults)
        self._follower = Follower(config, self._judge_by, measures, watch, faults, refused)
        self._outbox = Outbox(
            exporter, metric_exporter, measures, self._resource, config.export, faults, self._close_late
        )
        self._remembered = Remembered(self._limits.remembered_decisions)
        self._stages = Stages(
            self._remembered,
            measures,
            self._outbox,
            self._resource,
            self.new_span_id,
            self._start_threads,
            faults,
        )
        self._steps = ClockSteps(self._limits.open_spans)
        self._forget()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self.edition.config

    def reconfigure(self, config: Config) -> None:
        """Judge the operations that begin from now on by *config*; those that are open go on as they began.

        Options that take effect at the start of a process stay as they were.
        """
        self._follower.take_over(config)

    def follow_configuration(self) -> None:
        """Look at the configuration from now on, if nobody does; the end of an operation does so by itself."""
        self._follower.ensure_running()

    def _start_threads(self) -> bool:
        """Start what exports and what looks at the configuration; whether all of it runs."""
        exporting = self._outbox.ensure_running()
        return self._follower.ensure_running() and exporting

    def _judge_by(self, config: Config) -> None:
        self.edition = edition = Edition(config, self._late.take, self.edition)
        UNATTRIBUTED.counting = edition.counting
        self._limits = self._late.limits = config.limits
        self._steps.most = config.limits.open_spans

    def _forget(self) -> None:
        # What was open when a child was forked ends in its parent; in the child nobody would end it.
        for operation in getattr(self, "_open", {}).values():
            operation.disown()
        # Open roots by id, and of the SDK's own spans all: it hands on_end a copy that does not lead to the operation.
        self._open: dict[int, Operation] = {}
        self._stages.threads_run = False
        self._late.forget()
        self._remembered.forget()
        self._steps.forget()

    # --- spans of our own tracer -------------------------------------------------------------------------------
    def begin(
        self, root: Any, parent: SpanContext | None, edition: Edition, cap: int, wall_offset_ns: int | None = None
    ) -> Operation:
        """A new operation for *root*, whose parent, if any, is in another process or belongs to an ended operation.

        *cap* is the threshold of the rate cap in force, *wall_offset_ns* the wall clock minus the monotonic one.
        """
        operation = Operation(root, edition, wall_offset_ns)
        operation.cap = cap
        if parent is not None and not parent.is_remote:
            operation.followed = self._remembered.get(parent.trace_id)
        if len(self._open) >= self._limits.open_spans:
            self._give_up_oldest()
        self._open[operation.root_id] = operation
        return operation

    def finish(self, span: Any) -> None:
        """Take an ended *span* of our own tracer."""
        try:
            context = span.get_span_context()
            operation: Operation = getattr(span, SPAN_ATTRIBUTE)
            if operation.root_id == context.span_id:
                if self._open.pop(context.span_id, None) is not None:
                    self._stages.run(operation, span, context)
            else:
                self._hold(operation, span)
        except Exception as fault:  # noqa: BLE001 - reported; the application must not see it
            self._faults.report("processor.finish", fault)

    # --- spans of the SDK's tracer -----------------------------------------------------------------------------
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Give *span* the operation of its local parent, or one of its own."""
        with self._faults.guard("processor.on_start"):
            if hasattr(span, SPAN_ATTRIBUTE):
                return  # of our own tracer, which has done it
            parent = get_current_span(parent_context)
            operation = getattr(parent, SPAN_ATTRIBUTE, None)
            if operation is None or not operation.open:
                above = parent.get_span_context()
                known = above if above.is_valid else None
                edition = self.edition
                start = edition.policy.at_start(span.get_span_context().trace_id, known)
                operation = self.begin(span, known, edition, start.threshold)
            else:
                if hasattr(parent, IGNORED_ATTRIBUTE):
                    setattr(span, IGNORED_ATTRIBUTE, getattr(parent, IGNORED_ATTRIBUTE))
                if len(self._open) >= self._limits.open_spans:
                    self._give_up_oldest()
                self._open[span.get_span_context().span_id] = operation
            setattr(span, SPAN_ATTRIBUTE, operation)
            self._steps.begin(span.get_span_context().span_id)

    def on_end(self, span: ReadableSpan) -> None:
        """Hold a child until its root ends; judge the operation of a root."""
        with self._faults.guard("processor.on_end"):
            context = span.get_span_context()
            operation = self._open.pop(context.span_id, None) if context is not None else None
            if operation is None or context is None:
                return
            span = self._steps.end(context.span_id, span, operation)
            if operation.root_id == context.span_id:
                self._stages.run(operation, span, context)
            else:
                self._hold(operation, span)

    # --- the end of the process --------------------------------------------------------------------------------
    def shutdown(self) -> None:
        """Export what waits, for at most ``export.shutdown_s``; further operations are dropped and counted."""
        with self._faults.guard("processor.shutdown"):
            self._follower.close()
            self._close_late(idle_only=False)
            self._outbox.close(self.config.export.shutdown_s)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Export all that has ended; False if that took longer than *timeout_millis* or failed."""
        try:
            self._close_late(idle_only=False)
            return self._outbox.flush(timeout_millis / 1000)
        except Exception as fault:  # noqa: BLE001 - reported; a flush must not raise into the application
            self._faults.report("processor.force_flush", fault)
            return False

    def _hold(self, operation: Operation, span: ReadableSpan) -> None:
        """Keep an ended child until its root ends; one that outlives its root follows the root's decision."""
        room = operation.ledger.config.limits.spans_per_operation - len(operation.spans)
        if room > 0 or (room > -_FAILED_BEYOND and span.status.status_code is StatusCode.ERROR):
            operation.spans.append(span)
        else:
            operation.spans_dropped += 1
        if operation.verdict is not None:
            self._stages.follow(operation)

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
            self._stages.run(operation, root, context, late=True)


def _cap(operation: Operation, trace_id: int) -> int:
    """The threshold of the rate cap for an operation that begins now."""
    edition: Edition = operation.ledger  # type: ignore[assignment] # every operation of ours has one
    return edition.policy.at_start(trace_id, None).threshold
