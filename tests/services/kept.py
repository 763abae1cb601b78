"""What the scripts of the project build or fetch for tests, and keep outside the checkout."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

from tests.services.process import ServiceAbsent

SCRIPTS = Path(__file__).parents[2] / "scripts"


@cache
def kept(script: str) -> Path:
    """Where *script* keeps what it makes; raises :class:`ServiceAbsent` with its reason where that is not made."""
    done = subprocess.run([SCRIPTS / script, "--where"], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise ServiceAbsent(done.stderr.strip() or f"{script} ended with {done.returncode}")
    return Path(done.stdout.strip())
