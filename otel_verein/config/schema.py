"""Every option: its default, unit, bounds and help, written once.

The sections stand in :mod:`otel_verein.config.sections`; a threshold stands nowhere else in the package, and what an
environment presets stands in :mod:`otel_verein.config.presets`. The reference, the JSON Schema, the sample and the
checks are derived from these fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field, dataclass, field, fields
from typing import Any

from otel_verein.config.sections.alerting import Alerts
from otel_verein.config.sections.answering import Analysis, Serve, Source
from otel_verein.config.sections.collecting import Backends, Collector, Tiers
from otel_verein.config.sections.judging import (
    Health,
    Ignore,
    IgnoreRule,
    NPlusOne,
    ThresholdRule,
    Thresholds,
)
from otel_verein.config.sections.leaving import (
    Export,
    Retention,
    SelfMonitoring,
)
from otel_verein.config.sections.recording import (
    Allow,
    CallSite,
    Capabilities,
    Compression,
    Entities,
    Limits,
    Privacy,
    Sampling,
    SamplingRule,
)
from otel_verein.config.sections.storing import Store

__all__ = [
    "Alerts",
    "Allow",
    "Analysis",
    "Backends",
    "Collector",
    "CallSite",
    "Capabilities",
    "Compression",
    "Config",
    "Entities",
    "Export",
    "Health",
    "Ignore",
    "IgnoreRule",
    "Limits",
    "NPlusOne",
    "Privacy",
    "Retention",
    "SECTIONS",
    "Sampling",
    "SamplingRule",
    "SelfMonitoring",
    "Serve",
    "Source",
    "Store",
    "ThresholdRule",
    "Thresholds",
    "Tiers",
    "option_fields",
]


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration, valid and immutable; ``environment`` is empty where none was named or detected."""

    thresholds: Thresholds = field(default_factory=Thresholds)
    n_plus_one: NPlusOne = field(default_factory=NPlusOne)
    sampling: Sampling = field(default_factory=Sampling)
    limits: Limits = field(default_factory=Limits)
    compression: Compression = field(default_factory=Compression)
    export: Export = field(default_factory=Export)
    call_site: CallSite = field(default_factory=CallSite)
    ignore: Ignore = field(default_factory=Ignore)
    privacy: Privacy = field(default_factory=Privacy)
    entities: Entities = field(default_factory=Entities)
    health: Health = field(default_factory=Health)
    alerts: Alerts = field(default_factory=Alerts)
    store: Store = field(default_factory=Store)
    retention: Retention = field(default_factory=Retention)
    tiers: Tiers = field(default_factory=Tiers)
    collector: Collector = field(default_factory=Collector)
    backends: Backends = field(default_factory=Backends)
    source: Source = field(default_factory=Source)
    analysis: Analysis = field(default_factory=Analysis)
    serve: Serve = field(default_factory=Serve)
    self_monitoring: SelfMonitoring = field(default_factory=SelfMonitoring)
    capabilities: Capabilities = field(default_factory=Capabilities)
    allow: Allow = field(default_factory=Allow)
    environment: str = ""


SECTIONS: dict[str, type] = {
    section.name: section.default_factory  # type: ignore[misc]
    for section in fields(Config)
    if section.name != "environment"
}
"""Every section by its name."""


def option_fields() -> Iterator[tuple[str, str, Field[Any]]]:
    """Every option as (section, name, field), in the order of the schema."""
    for section, kind in SECTIONS.items():
        for each in fields(kind):
            yield section, each.name, each
