"""Code that the pages show runs, and does what they say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

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
    [example] = code_blocks(ROOT / "docs/how-to/set-up-by-hand.md", "python")

    python(tmp_path, example + USE)
    report = json.loads(python(tmp_path, COMMAND, "report", "--json"))

    assert [(o["operation"], o["count"], o["queries"]["total"]) for o in report["operations"]] == [("job", 1, 3)]


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
