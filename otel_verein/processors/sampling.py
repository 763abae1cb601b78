"""Which operations are kept as whole traces, with which weight, and why.

Consistent probability sampling as the OpenTelemetry specification has it (trace/tracestate-probability-sampling):
a trace is kept if its 56-bit randomness R (``rv``, else the low bits of the trace id) is at least the rejection
threshold T; a kept span stands for 2^56 / (2^56 - T) spans; T travels as ``ot=th`` in the tracestate. What is
always kept carries ``th:0`` and stands for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision as SdkDecision
from opentelemetry.sdk.trace.sampling import Sampler, SamplingResult
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceState, get_current_span
from opentelemetry.util.types import Attributes

from otel_verein.config.schema import Sampling

_BITS = 56
_ALL = 1 << _BITS
_HEX_DIGITS = _BITS // 4


class KeepReason(str, Enum):
    """Why an operation is exported."""

    ERROR = "error"
    BREACH = "breach"
    N_PLUS_ONE = "n_plus_one"
    SAMPLED = "sampled"
    PARENT = "parent"


@dataclass(frozen=True, slots=True)
class Decision:
    """``reason`` is None for what is sampled out; ``threshold`` is None where the weight is unknown."""

    reason: KeepReason | None
    threshold: int | None

    @property
    def keep(self) -> bool:
        """Whether the operation is exported."""
        return self.reason is not None


SAMPLED_OUT = Decision(None, None)


def threshold_of(ratio: float) -> int:
    """The rejection threshold that keeps *ratio* of all traces: 0 keeps all, 2^56 none."""
    return round((1.0 - ratio) * _ALL)


def randomness(trace_id: int, trace_state: TraceState | None) -> int:
    """The 56 random bits of a trace: a valid ``rv``, else the low bits of the id."""
    given = _fields(trace_state).get("rv", "")
    if len(given) == _HEX_DIGITS and all(digit in "0123456789abcdef" for digit in given):
        return int(given, 16)
    return trace_id & (_ALL - 1)


def decide(breaches: Sequence[str], context: SpanContext, parent: SpanContext | None, sampling: Sampling) -> Decision:
    """Say whether an ended operation is exported, with which threshold, and why.

    *breaches* are its tags; *context* that of its root span; *parent* the remote parent, if any, whose
    decision holds for whatever broke no budget.
    """
    if breaches:
        reason = KeepReason.N_PLUS_ONE if tuple(breaches) == ("n_plus_one",) else KeepReason.BREACH
        return Decision(KeepReason.ERROR if "error" in breaches else reason, 0)
    if parent is not None and parent.is_remote:
        if not parent.trace_flags.sampled:
            return SAMPLED_OUT
        return Decision(KeepReason.PARENT, _threshold(parent.trace_state))
    threshold = threshold_of(sampling.ratio)
    if randomness(context.trace_id, context.trace_state) >= threshold:
        return Decision(KeepReason.SAMPLED, threshold)
    return SAMPLED_OUT


def with_threshold(trace_state: TraceState | None, threshold: int | None) -> TraceState:
    """*trace_state* with ``ot=th`` set, or without it where the threshold is None; other entries stay."""
    fields = _fields(trace_state)
    fields.pop("th", None)
    if threshold is not None:
        fields = {"th": f"{threshold:014x}".rstrip("0") or "0", **fields}
    entries = [(key, value) for key, value in (trace_state or {}).items() if key != "ot"]
    if fields:
        entries.insert(0, ("ot", ";".join(f"{key}:{value}" for key, value in fields.items())))
    return TraceState(entries)


def _fields(trace_state: TraceState | None) -> dict[str, str]:
    text = trace_state.get("ot") if trace_state else None
    return dict(part.split(":", 1) for part in text.split(";") if ":" in part) if text else {}


def _threshold(trace_state: TraceState | None) -> int | None:
    given = _fields(trace_state).get("th", "")
    if 1 <= len(given) <= _HEX_DIGITS and all(digit in "0123456789abcdef" for digit in given):
        return int(given.ljust(_HEX_DIGITS, "0"), 16)
    return None


class VereinSampler(Sampler):
    """Records every span, and gives each the provisional decision that outgoing calls carry.

    The coin of the trace decides the sampled flag, so downstream services keep the same traces; the end of the
    operation can only add traces (errors, breaches, N+1), never take one back.
    """

    def __init__(self, sampling: Sampling) -> None:
        self._ratio = sampling.ratio
        self._threshold = threshold_of(sampling.ratio)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """RECORD_AND_SAMPLE for what the parent or the coin samples, RECORD_ONLY for the rest."""
        parent = get_current_span(parent_context).get_span_context()
        if parent.is_valid:
            sampled = bool(parent.trace_flags.sampled)
            state: TraceState | None = parent.trace_state
        else:
            sampled = randomness(trace_id, None) >= self._threshold
            state = with_threshold(None, self._threshold) if sampled else None
        decision = SdkDecision.RECORD_AND_SAMPLE if sampled else SdkDecision.RECORD_ONLY
        return SamplingResult(decision, attributes, state)

    def get_description(self) -> str:
        """The name that the SDK prints."""
        return f"VereinSampler{{{self._ratio:g}}}"
