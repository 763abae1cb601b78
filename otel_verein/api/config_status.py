"""Which running processes have the configuration that is in force here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Protocol

from otel_verein.analysis.configurations import GONE, LAGS, ProcessConfiguration, process_configurations
from otel_verein.api.config import SCHEMA
from otel_verein.config.layers import resolve
from otel_verein.config.presets import ENVIRONMENTS
from otel_verein.errors import ConfigError, Problem, SourceError
from otel_verein.sources.rows import ConfigurationRow

NO_ENVIRONMENT = "unknown"
"""What processes say where nothing names their environment."""


class ConfigurationSource(Protocol):
    """A place that holds what processes said of their configuration."""

    @property
    def name(self) -> str:
        """What the user calls the place."""

    def configurations(self) -> tuple[tuple[ConfigurationRow, ...], tuple[str, ...]]:
        """The last word of every process, and notes on what could not be read."""


@dataclass(frozen=True, slots=True)
class Status:
    """Every process that was seen, by service, the last seen first; *problems* of the configuration here, if any."""

    place: str
    now: datetime
    older_than: timedelta
    processes: tuple[ProcessConfiguration, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many processes have each status."""
        return dict(Counter(each.status for each in self.processes))

    @property
    def lags(self) -> bool:
        """Whether a process that is there lags behind, or may do so."""
        return any(each.status in LAGS for each in self.processes)

    @property
    def alive(self) -> int:
        """Processes that are not gone."""
        return sum(each.status != GONE for each in self.processes)

    def as_dict(self) -> dict[str, Any]:
        """The JSON object of schema version 1."""
        return {
            "schema": SCHEMA,
            "at": self.now.isoformat(),
            "older_than_s": self.older_than.total_seconds(),
            "counts": self.counts,
            "processes": [asdict(each) | {"seen": each.seen.isoformat()} for each in self.processes],
            "problems": [{"where": each.where, "message": each.what} for each in self.problems],
        }


def status(
    source: ConfigurationSource,
    environ: Mapping[str, str],
    older_than: timedelta,
    directory: Path | None = None,
    now: datetime | None = None,
) -> Status:
    """Compare what processes run with what they should: the configuration here, in the environment each of them is in.

    Raises what the source does, and :class:`SourceError` if no process has ever said what it runs.
    """
    moment = now or datetime.now(timezone.utc)
    rows, notes = source.configurations()
    if not rows:
        raise SourceError(f"{source.name}: no process has said which configuration it runs")
    expected: dict[str, str | None] = {}
    problems: dict[Problem, None] = {}
    for environment in {row.environment for row in rows}:
        try:
            name = environment if environment in ENVIRONMENTS else ""
            expected[environment] = resolve(environ, directory, environment=name, now=moment).digest
        except ConfigError as fault:
            expected[environment] = None
            problems.update(dict.fromkeys(fault.problems))
    processes = process_configurations(rows, expected, moment, older_than)
    return Status(source.name, moment, older_than, processes, tuple(problems), notes)
