"""`otel-verein serve` as people ask it: what it answers, and what it changes where it may."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from otel_verein.api.convenience import FUNCTIONS
from otel_verein.api.health import health
from otel_verein.api.places import source_of
from otel_verein.config.schema import Config
from otel_verein.serving.routes import ROUTES
from otel_verein.sources.base import ALL
from tests.services.chromium import Chromium
from tests.services.serving import Service, store

_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store."""
    return store(tmp_path_factory.mktemp("serve"))


@pytest.fixture(scope="module")
def service(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that only reads, in a directory of its own."""
    with Service(tmp_path_factory.mktemp("run"), ["--source", str(root), "--log-requests"]) as running:
        yield running


def _paths(root: Path) -> dict[str, str]:
    """One question for each route that answers JSON."""
    source = source_of(Config(), root)
    kept = source.roots(ALL, most=1).rows[0]
    return {
        "trace": f"/api/v1/trace/{kept.trace_id}",
        "compare": "/api/v1/compare?before=..2026-03-01T00:15:00Z&after=2026-03-01T00:15:00Z..",
        "differs": f"/api/v1/differs?operation={kept.operation.replace(' ', '%20')}",
    }


def test_every_route_answers_with_the_keys_that_the_document_promises(service: Service, root: Path) -> None:
    """No key more, none less, each of a type that is written down."""
    paths = _paths(root)
    wrong = []
    for route in (each for each in ROUTES if not each.is_page):
        answer = service.ask(paths.get(route.name, route.path))
        found = {name: "null" if value is None else _TYPES[type(value)] for name, value in answer.json.items()}
        if answer.status != 200 or set(found) != set(route.keys):
            wrong.append((route.name, answer.status, found))
        wrong += [(route.name, name, word) for name, word in found.items() if word not in route.keys.get(name, ())]

    assert wrong == []


def test_an_answer_is_that_of_the_function(service: Service, root: Path) -> None:
    """What comes over HTTP is what the API says of the same store."""
    expected = health(source_of(Config(), root), Config()).as_dict()

    assert service.ask("/api/v1/health").json == json.loads(json.dumps(expected))


def test_every_function_that_reads_can_be_called_both_ways(service: Service) -> None:
    """The envelope comes as it is, with 200, also where the function has no answer."""
    given: dict[str, dict[str, Any]] = {
        "comprehensive_member_analysis": {"member_name": "nobody"},
        "batch_member_analysis": {"member_names": "nobody, nobody else"},
        "measure_member_performance": {"member_name": "nobody"},
        "measure_payment_history_performance": {"member_name": "nobody"},
    }
    wrong = []
    for function in (each for each in FUNCTIONS if not each.changes):
        arguments = given.get(function.name, {})
        query = "&".join(f"{name}={value.replace(' ', '+')}" for name, value in arguments.items())
        path = f"/api/v1/call/{function.name}"
        for answer in (service.ask(f"{path}?{query}"), service.post(path, arguments)):
            keys = set(answer.json)
            if answer.status != 200 or not ({"success", function.payload, "message"} == keys or "error" in keys):
                wrong.append((function.name, answer.status, answer.body[:200]))

    assert wrong == []


def test_head_says_what_get_would_without_its_body(service: Service) -> None:
    """Status, type and length are those of the answer."""
    got, headed = service.ask("/api/v1/health"), service.ask("/api/v1/health", "HEAD")

    assert (headed.status, headed.headers["content-length"], headed.body) == (200, str(len(got.body)), b"")


def test_every_answer_carries_the_headers_that_guard_it(service: Service) -> None:
    """No sniffing, no keeping, no frames, no name of the server, and nothing that lets other sites read it."""
    for path in ("/api/v1/health", "/nothing", "/page", "/health/live"):
        headers = service.ask(path).headers

        assert {name: headers.get(name) for name in ("x-content-type-options", "cache-control", "server")} == {
            "x-content-type-options": "nosniff",
            "cache-control": "no-store",
            "server": None,
        }
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert not [name for name in headers if name.startswith("access-control")]


@pytest.mark.service
def test_the_page_works_under_its_policy(service: Service) -> None:
    """Chromium shows it, and neither asks for anything else nor complains."""
    with Chromium() as browser:
        seen = browser.open(f"{service.url}/page")
        seen.page.fill("#search", "zzz")

        assert (seen.page.locator("h1").count(), seen.complaints) == (1, [])


def test_requests_are_logged_without_what_they_say(service: Service) -> None:
    """Parameters may name persons, headers hold tokens."""
    service.ask("/api/v1/entities?type=member&id=somebody", headers={"Authorization": "Bearer something"})

    assert "GET /api/v1/entities 200" in service.errors()
    assert not [word for word in ("somebody", "something") if word in service.errors()]


def test_changes_are_made_where_they_are_allowed(root: Path, tmp_path: Path) -> None:
    """A baseline is kept, and told from then on; what names a place is refused all the same."""
    (tmp_path / "verein.yaml").write_text(f"store: {{directory: '{root}'}}\n")
    with Service(tmp_path, ["--allow-changes", "--config", "verein.yaml"]) as service:
        taken = service.post("/api/v1/call/create_performance_baseline_snapshot", {"name": "first"}).json
        told = service.ask("/api/v1/baselines").json["baselines"]
        same = service.ask("/api/v1/compare?before=baseline:first").json
        path = "/api/v1/call/update_performance_config"
        refused = service.post(path, {"changes": '{"store.directory": "/etc"}'})
        set_ = service.post(path, {"changes": {"thresholds.queries": 7}}).json
        now = service.ask("/api/v1/call/get_performance_config?category=thresholds.queries").json

    assert (taken["success"], [(each["name"], each["version"]) for each in told]) == (True, [("first", 1)])
    assert same["verdict"] in ("same", "inconclusive")
    assert (refused.status, refused.json["detail"]) == (
        403,
        "store.directory: names a place of this machine, or who may reach it; that is not set over HTTP",
    )
    assert (set_["success"], "7" in json.dumps(now["config"]["categories"])) == (True, True)
