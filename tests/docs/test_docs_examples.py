"""Code that the pages show runs, and does what they say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from otel_verein.config import load
from tests.docs.pages import ROOT, code_blocks

USE = """
import sqlite3
with provider.get_tracer("example").start_as_current_span("job"):
    connection = sqlite3.connect(":memory:")
    for number in range(3):
        connection.execute("SELECT ?", (number,))
provider.shutdown()
"""
COMMAND = "from otel_verein.cli.main import main; main()"


def test_setting_up_by_hand_counts_the_queries(tmp_path: Path) -> None:
    """The example of docs/how-to/set-up-by-hand.md, followed by three queries, makes a report of three."""
    example, *_ = code_blocks(ROOT / "docs/how-to/set-up-by-hand.md", "python")

    python(tmp_path, example + USE)
    report = json.loads(python(tmp_path, COMMAND, "report", "--json"))

    assert [(o["operation"], o["count"], o["queries"]["total"]) for o in report["operations"]] == [("job", 1, 3)]


def test_a_provider_that_exists_takes_our_processor_as_the_page_says(tmp_path: Path) -> None:
    """The second example of docs/how-to/set-up-by-hand.md exports a failed operation."""
    _, example, _ = code_blocks(ROOT / "docs/how-to/set-up-by-hand.md", "python")
    named = example.replace("InMemorySpanExporter()", "exporter").replace("config = Config()", KEPT)

    printed = python(tmp_path, named + FAILED)

    assert printed.split() == ["page"]


def test_a_processor_made_by_hand_follows_the_file_as_the_page_says(tmp_path: Path) -> None:
    """The third example of docs/how-to/set-up-by-hand.md takes a change over while it runs."""
    *_, example = code_blocks(ROOT / "docs/how-to/set-up-by-hand.md", "python")
    (tmp_path / "verein.yaml").write_text("thresholds: {queries: 7}\n")

    printed = python(tmp_path, example + CHANGED)

    assert printed.split() == ["7", "8"]


CHANGED = f"""
import sys
from pathlib import Path
sys.path.append({str(ROOT)!r})
from tests.services.process import wait_until
print(processor.config.thresholds.queries)
provider.get_tracer("test").start_span("page").end()
Path("verein.yaml").write_text("thresholds: {{queries: 8}}\\n")
wait_until(lambda: processor.config.thresholds.queries == 8, 10)
print(processor.config.thresholds.queries)
"""
KEPT = "config = Config()\nexporter = InMemorySpanExporter()"
FAILED = """
from opentelemetry import trace
with provider.get_tracer("test").start_as_current_span("page") as span:
    span.set_status(trace.StatusCode.ERROR)
provider.shutdown()
print(*(span.name for span in exporter.get_finished_spans()))
"""


def test_hand_written_operations_are_counted_as_the_page_says(tmp_path: Path) -> None:
    """The example of docs/how-to/hand-written-code.md is two operations, with the queries that it runs in each."""
    set_up, *_ = code_blocks(ROOT / "docs/how-to/set-up-by-hand.md", "python")
    [example] = code_blocks(ROOT / "docs/how-to/hand-written-code.md", "python")

    python(tmp_path, set_up + example + "provider.shutdown()\n")
    report = json.loads(python(tmp_path, COMMAND, "report", "--json"))

    assert {("nightly import", 1, 1), ("invoice run", 1, 1)} == {
        (o["operation"], o["count"], o["queries"]["total"]) for o in report["operations"]
    }


def test_questions_are_asked_from_python_as_the_page_says(tmp_path: Path) -> None:
    """The example of docs/how-to/from-python.md answers from the files of the working directory."""
    set_up, *_ = code_blocks(ROOT / "docs/how-to/set-up-by-hand.md", "python")
    [example] = code_blocks(ROOT / "docs/how-to/from-python.md", "python")

    python(tmp_path, set_up + USE)
    status, figures = python(tmp_path, example).splitlines()

    assert status == "True unknown"  # one operation is too few for a score
    assert "'queries_per_operation': 3.0" in figures


def test_ignore_rules_are_usable_as_the_page_shows_them(tmp_path: Path) -> None:
    """The rules of docs/how-to/ignore-a-repeat.md are a valid configuration of two rules."""
    [rules] = code_blocks(ROOT / "docs/how-to/ignore-a-repeat.md", "yaml")
    (tmp_path / "verein.yaml").write_text(rules)

    config = load({}, tmp_path)

    assert ["reports/nightly.py:write_rows", "GET /health SELECT django_session"] == [
        rule.name for rule in config.ignore.rules
    ]


def python(directory: Path, program: str, *arguments: str) -> str:
    """What *program* prints when it runs in *directory*; fails with its errors."""
    result = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout
