"""Read the configuration of a process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from otel_verein.config.layers import resolve
from otel_verein.config.schema import Config


def load(environ: Mapping[str, str], directory: Path | None = None) -> Config:
    """The configuration in force, as :mod:`otel_verein.config.layers` puts it together.

    Raises :class:`~otel_verein.errors.ConfigError` with every problem found.
    """
    return resolve(environ, directory).config
