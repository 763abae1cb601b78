"""What a program of this folder has found, for a terminal, for a file, and for the page of the documentation."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

Row = Sequence[str]

RESULTS = Path(__file__).parents[1] / ".cache" / "bench"
"""Where results wait for the page, a file per section."""

ORDER = ("overhead", "agents", "django_page", "memory", "configuration", "collector")


@dataclass(frozen=True)
class Section:
    """Figures that were measured together, what they rest on, and how to measure them again."""

    name: str
    title: str
    command: str
    conditions: Sequence[str]
    tables: Sequence[tuple[str, Sequence[Row]]]  # each with its title; the first row is the head
    verdicts: Sequence[str] = ()
    raw: dict[str, Any] = field(default_factory=dict)

    def save(self, directory: Path) -> Path:
        """Write it as JSON, every single measurement included."""
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{self.name}.json"
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        return path


def load(name: str, directory: Path) -> Section | None:
    """The section as it was saved; None where it was not measured."""
    path = directory / f"{name}.json"
    return Section(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def machine() -> str:
    """What was measured on, a sentence."""
    from importlib.metadata import version

    return (
        f"{os.cpu_count()} CPUs, {platform.machine()}, Python {platform.python_version()},"
        f" opentelemetry-sdk {version('opentelemetry-sdk')}, otel-verein {version('otel-verein')}."
    )


def text(section: Section) -> str:
    """For a terminal: aligned columns."""
    lines = [section.title, *section.conditions]
    for title, rows in section.tables:
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines += ["", title]
        lines += ["  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    if section.verdicts:
        lines += ["", "Targets", *(f"  {line}" for line in section.verdicts)]
    return "\n".join(lines)


def page(sections: Iterable[Section]) -> str:
    """The page of the reference."""
    lines = [
        "# What watching costs",
        "",
        "Written by `make bench-page` from the results of the commands below; do not edit.",
        "[How to read and repeat them](../../benchmarks/README.md).",
    ]
    for section in sections:
        lines += ["", f"## {section.title}", "", f"`{section.command}`", ""]
        lines += [f"- {line}" for line in section.conditions]
        for title, (head, *body) in section.tables:
            lines += ["", f"### {title}", "", _row(head), _row(["---"] * len(head)), *map(_row, body)]
        if section.verdicts:
            lines += ["", f"### Targets: {section.title[0].lower()}{section.title[1:]}", ""]
            lines += [f"- {line}" for line in section.verdicts]
    return "\n".join([*lines, ""])


def _row(cells: Row) -> str:
    return "| " + " | ".join(cells) + " |"


def publish(section: Section, directory: Path, markdown: Path | None) -> None:
    """Print it, save it, and write the page anew from all that is saved if *markdown* is given."""
    print(text(section))
    section.save(directory)
    if markdown is not None:
        write_page(directory, markdown)


def write_page(directory: Path, markdown: Path) -> None:
    """Write the page from the sections that *directory* holds."""
    found = [section for name in ORDER if (section := load(name, directory)) is not None]
    if not found:
        raise SystemExit(f"error: no results in {directory}; run `make bench` first")
    markdown.write_text(page(found), encoding="utf-8")
