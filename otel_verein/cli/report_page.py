"""Where the page of a report is written."""

from __future__ import annotations

import os
from pathlib import Path

from otel_verein.api.report import Report
from otel_verein.config.schema import Config
from otel_verein.errors import SourceError
from otel_verein.rendering.html.gathered import page_of
from otel_verein.sources.base import Ask, Source


def write_page(file: Path, report: Report, source: Source, config: Config, ask: Ask) -> int:
    """Write the page of *report* to *file*, which is whole or as it was before; the bytes of it.

    Raises SourceError when the source cannot be read, or the file not be written.
    """
    data = page_of(report, source, config, ask)
    beside = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        beside.write_bytes(data)
        beside.replace(file)
    except OSError as fault:
        beside.unlink(missing_ok=True)
        raise SourceError(f"{file}: cannot be written: {fault.strerror or fault}") from fault
    return len(data)
