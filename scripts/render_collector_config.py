"""Writes what in collector-config is rendered from the defaults. With --check it only says what is stale."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from otel_verein.api.collector import Wanted, make
from otel_verein.collector.plan import Backend
from otel_verein.collector.rules import rules_text
from otel_verein.config.schema import Config

FOLDER = Path(__file__).resolve().parents[1] / "collector-config"

TOPOLOGIES = {
    "agent.yaml": Wanted("agent"),
    "gateway.yaml": Wanted("gateway"),
    "gateway-gate-free.yaml": Wanted("gateway", gate_free=True),
    "kafka-agent.yaml": Wanted("kafka", "agent"),
    "kafka-gateway.yaml": Wanted("kafka", "gateway"),
}
BACKENDS = {f"agent-{each.value}.yaml": Wanted("agent", backends=(each.value,)) for each in Backend}


def rendered(wanted: Wanted) -> str:
    """The configuration of the collector that is wanted, from the defaults alone."""
    with tempfile.TemporaryDirectory() as empty:
        return make(wanted, {}, Path(empty)).rendered.text


FILES: dict[str, Callable[[], str]] = {
    **{f"topologies/{name}": partial(rendered, wanted) for name, wanted in TOPOLOGIES.items()},
    **{f"backends/{name}": partial(rendered, wanted) for name, wanted in BACKENDS.items()},
    "prometheus/rules.yaml": partial(rules_text, Config()),
}
"""By the place below collector-config: what stands there."""


def stale(folder: Path = FOLDER) -> list[str]:
    """The files that are not what is rendered now."""
    there = {name: (folder / name).read_text(encoding="utf-8") for name in FILES if (folder / name).exists()}
    return [name for name, text in FILES.items() if there.get(name) != text()]


def main() -> int:
    """Write the files, or with --check exit 1 when one is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is stale")
    if parser.parse_args().check:
        found = stale()
        if found:
            print(f"stale: {', '.join(found)}; run `make docs` and commit them", file=sys.stderr)
        return 1 if found else 0
    for name, text in FILES.items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(), encoding="utf-8")
        print(f"collector-config/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
