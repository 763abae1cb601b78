"""What processes said of their configuration, from the files that they write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from otel_verein.errors import SourceError
from otel_verein.sources import ConfigurationRow, OtlpFiles
from tests.unit.otlp_lines import END_NS, attributes, metric, metrics_request, operation_metrics, write

SECOND = 1_000_000_000


def said(
    digest: str, *, instance: str | None = "1", at_ns: int = END_NS, service: str = "shop", **more: object
) -> dict[str, Any]:
    """A request in which a process says what it runs; *more* are attributes of its resource."""
    own = {
        "verein.config.digest": digest,
        "verein.config.environment": "staging",
        "verein.config.state": "in_force",
    }
    gauge = metric("verein.config.info", [(own, {"asInt": "1"})], shape="gauge", end_ns=at_ns)
    request = metrics_request([gauge])
    given = {"service.name": service, "service.instance.id": instance} | {
        key.replace("__", "."): value for key, value in more.items()
    }
    request["resourceMetrics"][0]["resource"] = {"attributes": attributes(given)}
    return request


def test_the_last_word_of_every_process_counts(tmp_path: Path) -> None:
    """Of two words of one process the later one is its row, in whichever file it stands; each process has one row."""
    write(tmp_path / "metrics/a.jsonl", said("new", at_ns=END_NS + SECOND, process__pid=7, host__name="web1"))
    write(tmp_path / "metrics/b.jsonl", said("old", process__pid=7, host__name="web1"), said("other", instance="2"))

    rows, notes = OtlpFiles(tmp_path).configurations()

    assert rows == (
        ConfigurationRow("shop", "1", 7, "web1", "new", "staging", "in_force", END_NS + SECOND),
        ConfigurationRow("shop", "2", None, None, "other", "staging", "in_force", END_NS),
    )
    assert notes == ()


def test_processes_without_an_id_are_told_apart_by_what_else_they_say(tmp_path: Path) -> None:
    """Two process ids are two processes, and so are two services."""
    words = [said("a", instance=None, process__pid=1), said("b", instance=None, process__pid=2)]
    write(tmp_path / "metrics/a.jsonl", *words, said("c", service="blog"), said("d", service="shop"))

    rows, _ = OtlpFiles(tmp_path).configurations()

    assert sorted(row.digest for row in rows) == ["a", "b", "c", "d"]


def test_figures_are_no_words_on_the_configuration(tmp_path: Path) -> None:
    """Files with figures of operations only have no row."""
    write(tmp_path / "metrics/a.jsonl", metrics_request(operation_metrics("GET /", duration=[0.1])))

    assert OtlpFiles(tmp_path).configurations() == ((), ())


def test_a_line_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """The rest of the file counts, and the note names the line."""
    path = write(tmp_path / "metrics/a.jsonl", "{torn", said("a"))

    rows, notes = OtlpFiles(tmp_path).configurations()

    assert [row.digest for row in rows] == ["a"]
    assert notes == (f"{path}:1: not OTLP/JSON; skipped",)


def test_a_place_without_files_is_told(tmp_path: Path) -> None:
    """As for the report, nothing to read is an error that says what to do."""
    with pytest.raises(SourceError, match=r"^no telemetry: no \*\.jsonl or \*\.jsonl\.part file under "):
        OtlpFiles(tmp_path).configurations()
