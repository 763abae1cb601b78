"""What the page on the store shows is run, and its table of days has those of the options."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from otel_verein.config.schema import option_fields
from tests.docs.pages import ROOT, code_blocks
from tests.services.store_load import Load, Traffic

PAGE = ROOT / "docs/how-to/store.md"
ELSEWHERE = re.compile(r"store (watch|trace)\b|/srv/|/var/|^pip |^docker ")
"""What runs for ever, needs an id, or names places that only an example has."""


def test_the_commands_of_the_page_do_what_it_says(tmp_path: Path) -> None:
    """In the order in which they stand there, on files of an application, each ends well; the backup is there then."""
    Load(Traffic(operations=100, seconds=600)).write(tmp_path / ".verein/otlp")
    (tmp_path / "otel-verein").write_text(
        f"#!/bin/sh\nexec {sys.executable} -c 'from otel_verein.cli.main import main; main()' \"$@\"\n"
    )
    (tmp_path / "otel-verein").chmod(0o755)
    lines = [line for block in code_blocks(PAGE, "bash") for line in block.splitlines() if not ELSEWHERE.search(line)]
    here = [line.replace("/backup/", "") for line in lines]

    for line in here:
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=tmp_path,
            env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (line, 0, "") == (line, done.returncode, done.stderr)

    assert len(here) >= 5
    assert (tmp_path / "store.tar").exists()


def test_the_days_of_the_table_are_those_of_the_options() -> None:
    """Each row names options, the last in short, and as many numbers of days."""
    defaults = {f"{section}.{name}": option.default for section, name, option in option_fields()}
    rows = re.findall(r"^\| [^|]+ \| ([^|]*_d`) \| ([\d, ]+) days \|$", PAGE.read_text(encoding="utf-8"), re.M)

    said = {}
    for options, days in rows:
        names = re.findall(r"`([\w.]+)`", options)
        section = names[0].partition(".")[0]
        keys = [name if "." in name else f"{section}.{name}" for name in names]
        said |= dict(zip(keys, map(int, days.split(", ")), strict=True))

    assert 7 == len(said)
    assert {key: defaults[key] for key in said} == said
