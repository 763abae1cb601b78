"""Configurations of the collector for tests: rendered by the product, with free ports and a directory of the test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from otel_verein.collector.plan import plan
from otel_verein.collector.render import Rendered, render
from otel_verein.config.layers import resolve
from otel_verein.config.schema import Config
from tests.services.ports import LOOPBACK, free_ports

_LISTENERS = ("grpc_endpoint", "http_endpoint", "prometheus_endpoint", "telemetry_endpoint", "health_endpoint")


def configured(directory: Path, options: Mapping[str, Any] | None = None) -> Config:
    """A valid configuration with *options*, by their dotted keys, over ports that are free and files in *directory*."""
    ports = free_ports(len(_LISTENERS))
    listeners = {f"collector.{name}": f"{LOOPBACK}:{port}" for name, port in zip(_LISTENERS, ports, strict=True)}
    given = {**listeners, "collector.directory": str(directory), **(options or {})}
    environ = {"VEREIN_CONFIG": str(_written(directory, given))}
    return resolve(environ, directory).config


def rendered(
    topology: str,
    backends: Sequence[str],
    directory: Path,
    options: Mapping[str, Any] | None = None,
    *,
    role: str = "",
) -> tuple[Rendered, Config]:
    """What the product renders, and the configuration it was rendered from."""
    directory.mkdir(parents=True, exist_ok=True)
    config = configured(directory, options)
    return render(plan(topology, role, backends, config), "a test"), config


def _written(directory: Path, given: Mapping[str, Any]) -> Path:
    sections: dict[str, dict[str, Any]] = {}
    for key, value in given.items():
        section, _, name = key.partition(".")
        sections.setdefault(section, {})[name] = list(value) if isinstance(value, tuple) else value
    path = directory / "verein.yaml"
    path.write_text(yaml.safe_dump(sections), encoding="utf-8")
    return path
