"""``report`` and ``config status`` where there is a store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from otel_verein.cli.main import main
from otel_verein.config.schema import Config
from otel_verein.store.ingest import ingest
from otel_verein.store.layout import Store
from tests.unit.otlp_lines import START_NS, metric, metrics_request, operation_metrics, series, write


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a store: two operations and a process in it, one operation not stored yet."""
    monkeypatch.chdir(tmp_path)
    place = tmp_path / ".verein" / "otlp"
    own = series(None, verein__config__digest="d1", verein__config__environment="development")
    info = metric("verein.config.info", [(own, {"asInt": "1"})], shape="gauge", end_ns=START_NS)
    write(place / "a.jsonl", metrics_request([*operation_metrics("GET /", duration=[0.1, 0.2]), info]))
    ingest(Store(tmp_path / ".verein"), [place], Config().store)
    (place / "a.jsonl").unlink(missing_ok=True)
    write(place / "b.jsonl", metrics_request(operation_metrics("GET /", duration=[0.3])))
    return tmp_path


@pytest.mark.parametrize("place", [[], ["--from", ".verein"]])
def test_report_is_over_the_store_and_what_is_not_in_it(here: Path, place: list[str]):
    """Without --from the store is the place when there is one; naming it says the same."""
    answer = CliRunner().invoke(main, ["report", "--json", *place])

    assert answer.exit_code == 0, answer.output
    assert [(each["operation"], each["count"]) for each in json.loads(answer.stdout)["operations"]] == [("GET /", 3)]


def test_report_of_named_files_leaves_the_store_out(here: Path):
    """A directory of segments is just that."""
    answer = CliRunner().invoke(main, ["report", "--json", "--from", ".verein/otlp"])

    assert [each["count"] for each in json.loads(answer.stdout)["operations"]] == [1]


def test_status_knows_processes_from_the_store(here: Path):
    """What a process said is known after its segment has gone."""
    answer = CliRunner().invoke(main, ["config", "status", "--json"])

    (process,) = json.loads(answer.stdout)["processes"]
    assert (process["service"], process["instance"], process["status"]) == ("shop", "1", "gone")


def test_status_of_an_invalid_configuration_still_finds_the_store(here: Path):
    """When the file is not valid, the question is asked most; the store is where the defaults say."""
    (here / "verein.yaml").write_text("nonsense: 1\n", encoding="utf-8")

    answer = CliRunner().invoke(main, ["config", "status", "--json"])

    assert len(json.loads(answer.stdout)["processes"]) == 1
