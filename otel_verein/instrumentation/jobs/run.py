"""One run of a job as an operation: begun where the job system starts it, ended with what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry import context as context_api
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

from otel_verein import semconv
from otel_verein.faults import FAULTS
from otel_verein.instrumentation.script.command import COMMAND
from otel_verein.ledger.operation import SPAN_ATTRIBUTE

Carrier = Mapping[str, Any]
"""Where a job carries the context of the code that asked for it: header names and values."""


class JobRun:
    """An operation of kind consumer, current in the calling context until :meth:`end`.

    Its trace is its own, whatever is current: a run can outlive what asked for it by days. A link leads back.
    """

    def __init__(self, name: str, attributes: Mapping[str, str | int], carrier: Carrier) -> None:
        """Begin; raises nothing but what the OpenTelemetry API does."""
        asked = propagate.extract({key: value for key, value in carrier.items() if isinstance(value, str)}, Context())
        origin = trace.get_current_span(asked).get_span_context()
        links = [Link(origin)] if origin.is_valid else []
        self._span = trace.get_tracer(semconv.SCOPE).start_span(
            name, context=Context(), kind=SpanKind.CONSUMER, attributes=attributes, links=links
        )
        self._token = context_api.attach(trace.set_span_in_context(self._span))

    def fail(self, error: Any) -> None:
        """Say that the run failed with *error*; None says nothing."""
        if isinstance(error, BaseException):
            self._span.set_attribute(semconv.ERROR_TYPE, type(error).__qualname__)
            self._span.record_exception(error)
            self._span.set_status(Status(StatusCode.ERROR, type(error).__qualname__))

    def end(self, error: Any = None, attributes: Mapping[str, str | int] | None = None) -> None:
        """End it, failed if there is an *error*; never raises."""
        with FAULTS.guard("jobs.end"):
            context_api.detach(self._token)
            self._span.set_attributes(attributes or {})
            self.fail(error)
        with FAULTS.guard("jobs.end"):
            self._span.end()


def begin(name: str, attributes: Mapping[str, str | int], carrier: Carrier) -> JobRun | None:
    """A run that has begun; None if that was not possible, and the job runs without."""
    with FAULTS.guard("jobs.begin"):
        return JobRun(name, attributes, carrier)
    return None


def inside_operation() -> bool:
    """Whether the calling context has an open operation already, or is that of a command."""
    operation = getattr(trace.get_current_span(), SPAN_ATTRIBUTE, None)
    return (operation is not None and operation.open) or COMMAND.active
