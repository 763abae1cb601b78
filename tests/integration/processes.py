"""A fresh interpreter for what depends on the order of imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]


def in_a_process(script: str) -> str:
    """What *script* prints, run by an interpreter of its own at the root of the project; it must not fail or warn."""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=_ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout.strip()
