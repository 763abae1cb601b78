"""Which operations are kept as whole traces, with which weight, and why; and the memory of it for what comes late."""

from otel_verein.processors.sampling.policy import (
    SAMPLED_OUT,
    Decision,
    KeepReason,
    Policy,
    Provisional,
    VereinSampler,
)
from otel_verein.processors.sampling.remembered import Followed, Remembered
from otel_verein.processors.sampling.tracestate import randomness, threshold_of, weight_of, with_threshold

__all__ = [
    "SAMPLED_OUT",
    "Decision",
    "Followed",
    "KeepReason",
    "Policy",
    "Provisional",
    "Remembered",
    "VereinSampler",
    "randomness",
    "threshold_of",
    "weight_of",
    "with_threshold",
]
