"""The units of deploy/systemd, as systemd itself reads them, in a root of their own."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.docs.deployed import SYSTEMD, environment_file
from tests.services.process import ServiceAbsent

ROLES = ("agent", "gateway", "kafka-agent", "kafka-gateway")
PROGRAMS = ("opt/otel-verein/bin/otel-verein", "opt/shop/bin/otel-verein", "bin/kill")
TARGETS = ("basic", "multi-user", "network-online", "shutdown", "sysinit", "timers")
EXPOSED = {
    "otel-verein-collector@agent": 1.0,
    "otel-verein-expire@agent": 0.2,
    "otel-verein-store": 0.2,
    "shop": 1.1,
}
"""The exposure that the README states for each unit: 0 is closed, 10 is open."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root directory with our units, and what they need: targets, and programs to start."""
    units, system = tmp_path / "etc/systemd/system", tmp_path / "usr/lib/systemd/system"
    units.mkdir(parents=True)
    system.mkdir(parents=True)
    for unit in (*SYSTEMD.glob("*.service"), *SYSTEMD.glob("*.timer")):
        shutil.copy(unit, units)
    for target in TARGETS:
        (system / f"{target}.target").write_text(f"[Unit]\nDescription={target}\n")
    for program in PROGRAMS:
        (tmp_path / program).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / program).write_text("#!/bin/sh\n")
        (tmp_path / program).chmod(0o755)
    return tmp_path


def analyze(*arguments: str) -> str:
    """What systemd-analyze says; it tells a faulty line on stderr and still ends with 0."""
    program = shutil.which("systemd-analyze")
    if not program:
        raise ServiceAbsent("systemd-analyze is not installed; it comes with Debian's systemd")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr + (f"exit status {done.returncode}" if done.returncode else "")


def verify(root: Path, *units: str) -> str:
    """What systemd has against *units*; nothing if they are right."""
    return analyze("verify", f"--root={root}", "--man=no", *units)


def with_drop_in(root: Path, role: str, name: str) -> None:
    """Put a drop-in where its first lines say it belongs."""
    folder = root / f"etc/systemd/system/otel-verein-collector@{role}.service.d"
    folder.mkdir(exist_ok=True)
    shutil.copy(SYSTEMD / "drop-ins" / name, folder)


@pytest.mark.parametrize("role", ROLES)
def test_units_of_each_role_are_right(root: Path, role: str):
    """systemd reads collector, timer and the timer's service without a word."""
    units = (f"otel-verein-collector@{role}.service", f"otel-verein-expire@{role}.timer")

    assert "" == verify(root, *units, f"otel-verein-expire@{role}.service")


@pytest.mark.parametrize("unit", ["otel-verein-store.service", "shop.service"])
def test_units_without_a_role_are_right(root: Path, unit: str):
    """So are the store and the example of an application."""
    assert "" == verify(root, unit)


@pytest.mark.parametrize("name", ["listen.conf", "outbound.conf"])
def test_drop_ins_are_right(root: Path, name: str):
    """A unit with a drop-in is read without a word, too, and has what the drop-in says."""
    with_drop_in(root, "gateway", name)

    assert "" == verify(root, "otel-verein-collector@gateway.service")
    assert "IPAddressAllow=10.0.0.0/8" in analyze("cat-config", f"--root={root}", path_of(root, name))


def path_of(root: Path, name: str) -> str:
    """The path of the drop-in inside the root."""
    return f"/etc/systemd/system/otel-verein-collector@gateway.service.d/{name}"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        pytest.param("ProtectSystem=strict", "ProtectSystem=strictly", id="a-value"),
        pytest.param("NoNewPrivileges=yes", "NoNewPrivilege=yes", id="a-name"),
        pytest.param("ExecStart=/opt/otel-verein/bin/otel-verein", "ExecStart=/opt/nothing", id="a-program"),
    ],
)
def test_a_faulty_unit_is_told(root: Path, line: str, fault: str):
    """The check can fail: a value, a name or a program that is none is told."""
    unit = root / "etc/systemd/system/otel-verein-collector@.service"
    unit.write_text(unit.read_text().replace(line, fault))

    assert "" != verify(root, "otel-verein-collector@agent.service")


@pytest.mark.parametrize("unit", EXPOSED)
def test_units_are_as_closed_as_the_page_says(root: Path, unit: str):
    """systemd's own rating of the exposure is what the README states."""
    rated = analyze("security", "--offline=true", f"--root={root}", f"{unit}.service")

    assert [str(EXPOSED[unit])] == re.findall(rf"level for {re.escape(unit)}\.service: ([\d.]+)", rated)
    assert str(EXPOSED[unit]) in (SYSTEMD / "README.md").read_text()


def test_the_collector_can_hand_a_file_on_to_its_next():
    """Rotation gives the new file the owner of the old one: chown is in what is taken away, and is given back."""
    taken = analyze("syscall-filter", "@privileged", "@resources")
    lines = re.findall("^SystemCallFilter=(.*)$", (SYSTEMD / "otel-verein-collector@.service").read_text(), re.M)

    assert "@chown" in taken
    assert ["@system-service", "~@privileged @resources", "@chown"] == lines


def test_environment_files_have_variables_alone():
    """No comment stands behind a value, where systemd would take it for a part of it."""
    files = sorted((SYSTEMD / "etc").glob("*.env"))

    assert [f"collector-{role}.env" for role in ROLES] == [file.name for file in files if file.name != "shop.env"]
    assert [] == [
        value for file in files for key, value in environment_file(file).items() if "#" in value or not key.isupper()
    ]
