"""Which operations are kept as whole traces, with which weight, and why.

Consistent probability sampling as the OpenTelemetry specification has it (trace/tracestate-probability-sampling);
what is always kept carries ``th:0`` and stands for itself. Thresholds and tracestates are in
:mod:`otel_verein.processors.sampling.tracestate`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision as SdkDecision
from opentelemetry.sdk.trace.sampling import Sampler, SamplingResult
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceState, get_current_span
from opentelemetry.util.types import Attributes

from otel_verein.clock import Clock
from otel_verein.config.schema import Sampling
from otel_verein.processors.by_name import first_match
from otel_verein.processors.sampling.rate_cap import RateCap
from otel_verein.processors.sampling.remembered import Followed
from otel_verein.processors.sampling.tracestate import (
    LOW_BITS,
    consistent_threshold,
    randomness,
    threshold_of,
    with_threshold,
)

_WOULD_BE_SAMPLED_OUT: Final = "sampled_out"


class KeepReason(str, Enum):
    """Why an operation is exported."""

    ERROR = "error"
    BREACH = "breach"
    N_PLUS_ONE = "n_plus_one"
    FORCED = "forced"
    SAMPLED = "sampled"
    PARENT = "parent"
    COLLECTOR = "collector"
    DRY_RUN = "dry_run"


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of an operation.

    ``reason`` is None for what is sampled out; ``threshold`` is None where the weight is unknown. ``would`` is what
    this process would have decided, where it keeps everything: a KeepReason's value or ``sampled_out``.
    """

    reason: KeepReason | None
    threshold: int | None
    would: str | None = None

    @property
    def keep(self) -> bool:
        """Whether the operation is exported."""
        return self.reason is not None

    @property
    def would_keep(self) -> bool:
        """Whether it would be exported without dry run and collector; what comes late follows this."""
        return self.reason is not None if self.would is None else self.would != _WOULD_BE_SAMPLED_OUT


SAMPLED_OUT: Final = Decision(None, None)
_ERROR: Final = Decision(KeepReason.ERROR, 0)
_BREACH: Final = Decision(KeepReason.BREACH, 0)
_N_PLUS_ONE: Final = Decision(KeepReason.N_PLUS_ONE, 0)
_FORCED: Final = Decision(KeepReason.FORCED, 0)


class Provisional(NamedTuple):
    """What holds while an operation runs.

    ``sampled`` and ``trace_state`` are what outgoing calls carry. ``threshold`` is that of the rate cap alone, 0
    without one: the ratio joins it at the end, when the name is known that a rule may be for.
    """

    sampled: bool
    threshold: int
    trace_state: TraceState | None


class Policy:
    """The sampling of one configuration, for one process. Safe for threads."""

    def __init__(self, sampling: Sampling, clock: Callable[[], float] = Clock.seconds) -> None:
        self._coin = threshold_of(sampling.ratio)
        self._follows = sampling.remote_parents == "follow"
        self._collector = sampling.decide == "collector"
        self._keeps_all = self._collector or sampling.dry_run
        self._cap = RateCap(sampling.traces_per_second, clock) if sampling.traces_per_second > 0 else None
        self._of_name = _by_name(sampling, self._coin)
        self._sampled = Decision(KeepReason.SAMPLED, self._coin)
        self._in = Provisional(True, 0, with_threshold(None, self._coin))
        self._out = Provisional(False, 0, None)
        self._plain = self._cap is None and not self._keeps_all

    def at_start(self, trace_id: int, parent: SpanContext | None) -> Provisional:
        """The provisional decision on an operation, whose *parent* is None or remote; called once for each.

        The end can only add an operation to what the flag promises, unless a rule for its name has a smaller ratio.
        """
        if parent is None and self._plain:
            return self._in if trace_id & LOW_BITS >= self._coin else self._out
        return self._start(trace_id, parent)

    def at_end(
        self,
        breaches: Sequence[str],
        name: str,
        trace_id: int,
        trace_state: TraceState | None,
        parent: SpanContext | None,
        provisional_threshold: int,
        forced: bool = False,
        followed: Followed | None = None,
    ) -> Decision:
        """Say whether an ended operation is exported, with which threshold, and why.

        *breaches* are its tags; *followed* is what was decided for the operation it came after, and *parent* the
        remote parent: they decide, in this order, on what has no breach and is not *forced*. *trace_state* is its
        own; *provisional_threshold* that of :meth:`at_start`.
        """
        if breaches:
            decision = _for(breaches)
        elif forced:
            decision = _FORCED
        elif followed is not None:
            decision = Decision(KeepReason.PARENT, followed.threshold) if followed.kept else SAMPLED_OUT
        elif parent is not None and self._follows and parent.is_remote:
            decision = _of_parent(parent)
        else:
            threshold = self._coin if self._of_name is None else self._of_name(name)
            if provisional_threshold > threshold:
                threshold = provisional_threshold
            given = trace_id & LOW_BITS if trace_state is None else randomness(trace_id, trace_state)
            if given < threshold:
                decision = SAMPLED_OUT
            elif threshold == self._coin:
                decision = self._sampled
            else:
                decision = Decision(KeepReason.SAMPLED, threshold)
        return self._kept_anyway(decision) if self._keeps_all else decision

    def _start(self, trace_id: int, parent: SpanContext | None) -> Provisional:
        state = parent.trace_state if parent is not None else None
        follows = parent is not None and self._follows and parent.is_remote
        capped = self._cap.threshold() if self._cap is not None and not follows else 0
        if self._keeps_all:
            # The flag tells the truth: this process drops nothing, whatever it would have decided.
            return Provisional(True, capped, with_threshold(state, 0))
        if parent is not None and follows:
            return Provisional(bool(parent.trace_flags & 1), 0, _as_the_parent(parent))
        threshold = max(self._coin, capped)
        sampled = randomness(trace_id, state) >= threshold
        return Provisional(sampled, capped, with_threshold(state, threshold if sampled else None))

    def _kept_anyway(self, decision: Decision) -> Decision:
        would = decision.reason.value if decision.reason is not None else _WOULD_BE_SAMPLED_OUT
        if self._collector:
            return Decision(KeepReason.COLLECTOR, 0, would)
        return Decision(decision.reason or KeepReason.DRY_RUN, 0, would)


def _for(breaches: Sequence[str]) -> Decision:
    if "error" in breaches:
        return _ERROR
    return _N_PLUS_ONE if len(breaches) == 1 and breaches[0] == "n_plus_one" else _BREACH


def _of_parent(parent: SpanContext) -> Decision:
    if not parent.trace_flags & 1:
        return SAMPLED_OUT
    return Decision(KeepReason.PARENT, consistent_threshold(parent.trace_id, parent.trace_state))


def _as_the_parent(parent: SpanContext) -> TraceState:
    """What outgoing calls carry on: a threshold only with the decision that it belongs to."""
    state = parent.trace_state
    if "ot" not in state:
        return state
    if parent.trace_flags & 1 and consistent_threshold(parent.trace_id, state) is not None:
        return state
    return with_threshold(state, None)


def _by_name(sampling: Sampling, otherwise: int) -> Callable[[str], int] | None:
    """The threshold of the first rule for a name; None where there are no rules."""
    if not sampling.operations:
        return None
    return first_match([(rule.operation, threshold_of(rule.ratio)) for rule in sampling.operations], otherwise)


class VereinSampler(Sampler):
    """Records every span, and gives each the provisional decision that outgoing calls carry.

    The coin of the trace decides the sampled flag, so downstream services keep the same traces. It is for the spans of
    an SDK that is set up by hand: the span processor asks a policy of its own, since each counts what starts.
    """

    def __init__(self, sampling: Sampling, policy: Callable[[], Policy] | None = None) -> None:
        """*policy* gives the one in force, where the sampling may change while the process runs."""
        own = Policy(sampling)
        self._policy = policy if policy is not None else (lambda: own)
        self._ratio = sampling.ratio

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
        if parent.is_valid and not parent.is_remote:
            sampled: bool = bool(parent.trace_flags & 1)
            state: TraceState | None = parent.trace_state
        else:
            provisional = self._policy().at_start(trace_id, parent if parent.is_valid else None)
            sampled, state = provisional.sampled, provisional.trace_state
        decision = SdkDecision.RECORD_AND_SAMPLE if sampled else SdkDecision.RECORD_ONLY
        return SamplingResult(decision, attributes, state)

    def get_description(self) -> str:
        """The name that the SDK prints."""
        return f"VereinSampler{{{self._ratio:g}}}"
