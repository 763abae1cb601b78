"""The tracer provider of the distro: the SDK's, but for the spans that it makes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import NoOpTracer, Tracer

from otel_verein.faults import FAULTS, Faults
from otel_verein.processors.sampling import VereinSampler
from otel_verein.tracing.tracer import VereinTracer

if TYPE_CHECKING:
    from otel_verein.processors import VereinSpanProcessor


class VereinTracerProvider(TracerProvider):
    """Makes spans that cost a fraction of the SDK's, all of them recorded by *processor*.

    Other span processors may be added as to any provider; they get spans with the provisional sampled flag.
    """

    def __init__(
        self,
        processor: VereinSpanProcessor,
        *,
        resource: Resource | None = None,
        span_limits: SpanLimits | None = None,
        shutdown_on_exit: bool = True,
        faults: Faults = FAULTS,
    ) -> None:
        limits = span_limits or SpanLimits()
        super().__init__(
            sampler=VereinSampler(processor.config.sampling, lambda: processor.edition.policy),
            resource=resource,
            span_limits=limits,
            shutdown_on_exit=shutdown_on_exit,
        )
        self._verein = processor
        self._limits = limits
        self._faults = faults
        self._disabled_by_user = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
        self._made: dict[InstrumentationScope, VereinTracer] = {}
        self.others: tuple[SpanProcessor, ...] = ()
        """The span processors that were added beside ours."""
        super().add_span_processor(processor)

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Let *span_processor* see all spans, too."""
        super().add_span_processor(span_processor)
        self.others = (*self.others, span_processor)

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Any = None,
    ) -> Tracer:
        """The tracer of an instrumenting library; the same one for the same arguments."""
        if self._disabled_by_user:
            return NoOpTracer()
        scope = InstrumentationScope(
            instrumenting_module_name or "", instrumenting_library_version or "", schema_url, attributes
        )
        found = self._made.get(scope)
        if found is None:  # no lock: of two made at once either will do
            found = self._made[scope] = VereinTracer(self, self._verein, scope, self._limits, self._faults)
        return found
