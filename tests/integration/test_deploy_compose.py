"""The compose files, as the library of Docker Compose itself loads them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.deployed import DEPLOY, TOPOLOGIES, compose
from tests.services.process import ServiceAbsent

LOADER = "github.com/compose-spec/compose-go/v2/cmd@v2.16.2"
BUILD_S = 300
"""The first run compiles it; Go keeps what it compiled outside the checkout."""


def load(path: Path) -> subprocess.CompletedProcess[str]:
    """The model of a compose file as YAML, or on stderr where it breaks their schema."""
    go = shutil.which("go")
    if not go:
        raise ServiceAbsent("go is not installed; install Go 1.25 or later and put its bin folder on PATH")
    return subprocess.run(
        [go, "run", LOADER, str(path)],
        cwd=path.parent,
        env={**os.environ, "GOWORK": "off", "GOFLAGS": ""},
        capture_output=True,
        text=True,
        timeout=BUILD_S,
        check=False,
    )


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_compose_files_load(topology: str):
    """The loader takes the file, and has the services that we read in it."""
    loaded = load(DEPLOY / "compose" / topology / "compose.yaml")

    assert loaded.returncode == 0, loaded.stderr
    model: dict[str, Any] = yaml.safe_load(loaded.stdout)
    assert f"otel-verein-{topology}" == model["name"]
    assert set(compose(topology)["services"]) == set(model["services"])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param("mem_limit: 16m", "memlimit: 16m", ".memlimit false schema", id="an-unknown-key"),
        pytest.param("cap_drop: [ALL]", "cap_drop: ALL", ".cap_drop must be a array", id="a-wrong-value"),
        pytest.param("service_completed_successfully", "service_done", ".condition", id="a-condition"),
    ],
)
def test_a_faulty_compose_file_is_refused(tmp_path: Path, old: str, new: str, said: str):
    """The check can fail, and says where: an unknown key, or a value that is none."""
    text = (DEPLOY / "compose" / "agent" / "compose.yaml").read_text()
    (tmp_path / "compose.yaml").write_text(text.replace(old, new))

    refused = load(tmp_path / "compose.yaml")

    assert refused.returncode == 1
    assert said in refused.stderr
