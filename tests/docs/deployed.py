"""What stands in deploy/, read for the tests that hold it to the code: units, compose files, collectors and options."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from otel_verein.api.collector import Wanted
from otel_verein.cli.main import main
from otel_verein.config.schema import option_fields
from tests.docs.pages import ROOT

DEPLOY = ROOT / "deploy"
SYSTEMD = DEPLOY / "systemd"
TOPOLOGIES = ("agent", "gateway", "kafka")

_ORIGIN = re.compile(r"(?:#|--) from (?P<option>[a-z_]+\.[a-z_]+)(?: x (?P<factor>\d+(?:\.\d+)?))?\s*$")


@dataclass(frozen=True)
class Repeated:
    """A line that repeats the value of an option: where, which option, what is expected, and the line itself."""

    place: str
    option: str
    expected: str
    text: str

    @property
    def holds(self) -> bool:
        """Whether the expected value stands in the line, as a number or word of its own."""
        return re.search(rf"(?<![\w.]){re.escape(self.expected)}(?![\d.])", self.text) is not None


@dataclass(frozen=True)
class Deployed:
    """A collector that something in deploy/ starts: the words after ``otel-verein``, and its variables."""

    name: str
    words: list[str]
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def wanted(self) -> Wanted:
        """The collector that its words ask for, by the command line's own parser."""
        command = main.get_command(None, self.words[0]).get_command(None, self.words[1])  # type: ignore[union-attr,arg-type]
        options = command.make_context("run", list(self.words[2:])).params
        return Wanted(options["topology"], options["role"], options["backends"], options["env"], options["gate_free"])


def files() -> list[Path]:
    """Every file of deploy/ that the repository holds."""
    return sorted(path for path in DEPLOY.rglob("*") if path.is_file() and path.parent.name != "secrets")


def repeated() -> Iterator[Repeated]:
    """Every line that says which option its value is from; the value of a comment line stands in the line below."""
    defaults = {f"{section}.{name}": option.default for section, name, option in option_fields()}
    for path in files():
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, start=1):
            found = _ORIGIN.search(line)
            if found:
                default = defaults[found["option"]]
                factor = Decimal(found["factor"] or 1)
                expected = default if isinstance(default, str) else f"{(Decimal(default) * factor).normalize():f}"
                before = line[: found.start()].strip()
                text = before if before else lines[number]
                yield Repeated(f"{path.relative_to(ROOT)}:{number}", found["option"], expected, text)


def compose(topology: str) -> dict[str, Any]:
    """The compose file of *topology*, with its anchors resolved."""
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "compose" / topology / "compose.yaml").read_text())
    return document


def environment_file(path: Path) -> dict[str, str]:
    """The variables of an environment file, unquoted as systemd does."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return {name: " ".join(shlex.split(value)) for name, _, value in (line.partition("=") for line in lines)}


def collectors() -> list[Deployed]:
    """Every collector of the units and the compose files."""
    units = [
        Deployed(f"systemd {path.stem}", shlex.split(f"collector run {given['COLLECTOR_OPTIONS']}"), given)
        for path in sorted((SYSTEMD / "etc").glob("collector-*.env"))
        for given in [environment_file(path)]
    ]
    services = [
        Deployed(f"compose {topology} {name}", service["command"], service["environment"])
        for topology in TOPOLOGIES
        for name, service in compose(topology)["services"].items()
        if service.get("command", [])[:2] == ["collector", "run"]
    ]
    return units + services
