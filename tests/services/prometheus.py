"""A real Prometheus server, Debian's, that scrapes what a test gives it."""

from __future__ import annotations

import json
import math
import shutil
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode

import yaml

from tests.services.ports import LOOPBACK, free_port
from tests.services.process import ServerProcess, ServiceAbsent


def promtool() -> Path:
    """Prometheus' own checker of rules and configurations; raises :class:`ServiceAbsent` where there is none."""
    return _program("promtool")


@dataclass(frozen=True)
class Series:
    """One series of an answer; *value* is NaN where Prometheus says so."""

    labels: Mapping[str, str]
    value: float


class Prometheus:
    """A running server; a context manager that ends it.

    *targets* are the ``host:port`` to scrape for each job; *rules* are rule files. Both are looked at every *every_s*
    seconds. *options* are further switches, such as ``--enable-feature=native-histograms``. *honor_labels*: the labels
    job and instance of what is scraped stay, as far as it has them.
    """

    def __init__(
        self,
        targets: Mapping[str, Sequence[str]],
        rules: Sequence[Path] = (),
        *,
        every_s: float = 1,
        options: Sequence[str] = (),
        honor_labels: bool = False,
    ) -> None:
        program = _program("prometheus")
        self.port = free_port()
        self._server = ServerProcess("prometheus", None)
        config = self._server.directory / "prometheus.yml"
        config.write_text(yaml.safe_dump(_config(targets, rules, f"{math.ceil(every_s * 1000)}ms", honor_labels)))
        self._server.start([
            str(program), f"--config.file={config}", f"--storage.tsdb.path={self._server.directory / 'data'}",
            f"--web.listen-address={LOOPBACK}:{self.port}", *options,
        ], self._ready)  # fmt: skip

    def __enter__(self) -> Prometheus:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it and remove what it has; safe to call twice."""
        self._server.stop()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def log(self) -> str:
        """All that it has said."""
        return self._server.log.read_text(encoding="utf-8", errors="replace")

    def query(self, promql: str) -> list[Series]:
        """What *promql* gives now, a scalar as one series without labels; raises ValueError where it is refused."""
        answer = self._asked("/api/v1/query", {"query": promql})
        if answer["resultType"] == "scalar":
            return [Series({}, float(answer["result"][1]))]
        return [Series(one["metric"], float(one["value"][1])) for one in answer["result"]]

    def value(self, promql: str) -> float | None:
        """The value of the only series that *promql* gives now, None where there is none."""
        found = self.query(promql)
        if len(found) > 1:
            raise ValueError(f"{promql} gives {len(found)} series: {[dict(one.labels) for one in found]}")
        return found[0].value if found else None

    def alerts(self) -> list[dict[str, Any]]:
        """The alerts that are pending or firing, as Prometheus tells them."""
        found: list[dict[str, Any]] = self._asked("/api/v1/alerts")["alerts"]
        return found

    def targets(self) -> dict[str, str]:
        """The health of what is scraped (``up``, ``down``, ``unknown``), by address."""
        found = self._asked("/api/v1/targets")["activeTargets"]
        return {target["scrapeUrl"]: target["health"] for target in found}

    def _asked(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        try:
            with urllib.request.urlopen(f"{self.url}{path}?{urlencode(query or {})}", timeout=30) as answer:
                return json.load(answer)["data"]
        except HTTPError as refused:
            raise ValueError(json.load(refused)["error"]) from None

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


def _config(
    targets: Mapping[str, Sequence[str]], rules: Sequence[Path], every: str, honor_labels: bool
) -> dict[str, Any]:
    return {
        "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
        "rule_files": [str(path.resolve()) for path in rules],
        "scrape_configs": [
            {
                "job_name": job,
                "honor_labels": honor_labels,
                "static_configs": [{"targets": list(addresses)}],
            }
            for job, addresses in targets.items()
        ],
    }


def _program(name: str) -> Path:
    found = shutil.which(name)
    if not found:
        raise ServiceAbsent(f"{name} is not installed; run scripts/install-services")
    return Path(found)
