"""The rules for Prometheus that follow from a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from otel_verein.api.collector import environment_named
from otel_verein.collector.rules import rules_text
from otel_verein.config.layers import resolve


def rules(environ: Mapping[str, str], environment: str = "", directory: Path | None = None) -> str:
    """The rule file for the configuration that a process with *environ* in *directory* has in *environment*.

    Raises :class:`ConfigError` with every problem of the configuration, or if there is no such environment.
    """
    return rules_text(resolve(environ, directory, environment=environment_named(environment)).config)
