"""The commands of a collector: what they print, refuse, and leave on the disk."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from otel_verein.cli.main import main
from otel_verein.collector import program
from otel_verein.errors import CollectorError


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and no variable of ours."""
    for name in [name for name in os.environ if name.startswith(("VEREIN_", "OTEL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str, **environ: str) -> Result:
    """What such a command line does."""
    return CliRunner().invoke(main, ["collector", *words], env=environ)


def refused(*words: str, **environ: str) -> list[str]:
    """What such a command line is refused for."""
    done = run(*words, **environ)
    assert (done.exit_code, done.stdout) == (2, "")
    return done.stderr.splitlines()


def test_render_prints_the_configuration_of_this_directory(here: Path) -> None:
    """With the budgets of verein.yaml, in the environment that is named."""
    (here / "verein.yaml").write_text(
        "thresholds: {queries_critical: 70}\ntiers: {long_d: 40}\nsampling: {decide: collector}\n"
    )

    done = run("render", "--topology", "gateway", "--env", "production")

    assert (done.exit_code, done.stderr) == (0, "")
    assert "# Made by: otel-verein collector render --topology gateway --env production\n" in done.stdout
    assert "> 20'  # from thresholds.queries\n" in done.stdout
    assert yaml.safe_load(done.stdout)["exporters"]["file/long"]["rotation"]["max_days"] == 40


def test_render_writes_to_a_file(here: Path) -> None:
    """And prints nothing; a place that cannot be written to is told."""
    done = run("render", "--topology", "agent", "--output", "agent.yaml")

    assert (done.exit_code, done.output) == (0, "")
    assert (here / "agent.yaml").read_text() == run("render", "--topology", "agent").stdout
    assert refused("render", "--topology", "agent", "--output", "none/agent.yaml") == [
        "otel-verein collector render: none/agent.yaml: cannot be written: No such file or directory"
    ]


def test_notes_go_to_stderr() -> None:
    """What the configuration does not do is no part of it."""
    done = run("render", "--topology", "agent", "--backend", "jaeger")

    assert done.stderr == "otel-verein collector render: note: what is short stays in files: jaeger does not take it\n"


def test_a_wrong_threshold_is_refused_before_anything_else(here: Path) -> None:
    """With file and line; nothing is written."""
    (here / "verein.yaml").write_text("thresholds:\n  queries: 200\n")

    assert refused("run", "--topology", "agent") == [
        "otel-verein collector run: verein.yaml:2: thresholds.queries: 200 must be below "
        "thresholds.queries_critical: 100 (as by default)"
    ]
    assert [path.name for path in here.iterdir()] == ["verein.yaml"]


def test_an_open_listener_is_refused_with_its_line(here: Path) -> None:
    """Whoever wrote it finds it, and reads what would make it safe."""
    (here / "verein.yaml").write_text("collector:\n  http_endpoint: 0.0.0.0:4318\n")

    assert refused("run", "--topology", "agent") == [
        "otel-verein collector run: verein.yaml:2: collector.http_endpoint: 0.0.0.0:4318 is open to the network: give "
        "collector.token_file, collector.tls_cert_file, collector.tls_key_file, or listen on 127.0.0.1:4318"
    ]


def test_an_unknown_backend_and_environment_are_refused() -> None:
    """With what there is."""
    assert refused("run", "--topology", "agent", "--backend", "zipkin") == [
        "otel-verein collector run: --backend: 'zipkin' is no backend: one of files, otlp, jaeger, tempo, clickhouse, "
        "kafka, prometheus"
    ]
    assert refused("render", "--topology", "agent", "--env", "prodction") == [
        "otel-verein collector render: --env: 'prodction' is no environment: one of development, staging, production"
    ]


def test_a_missing_and_an_empty_token_are_refused_before_the_start(here: Path) -> None:
    """The collector would say so, too, but only after it has opened its files."""
    (here / "verein.yaml").write_text("collector:\n  token_file: token\n")

    assert refused("run", "--topology", "agent") == [
        "otel-verein collector run: verein.yaml:2: collector.token_file: token is not there"
    ]
    (here / "token").touch()
    assert refused("run", "--topology", "agent") == [
        "otel-verein collector run: verein.yaml:2: collector.token_file: token is empty"
    ]


def test_without_a_collector_the_cure_is_told(here: Path) -> None:
    """How to get one; a name that is no program says so."""
    with pytest.raises(CollectorError) as fault:
        program.find(None, {"PATH": str(here)}, here)
    assert str(fault.value) == (
        "there is no otel-verein-collector and no otelcol-contrib: build it by `make collector`, or name one by "
        "--binary or VEREIN_COLLECTOR"
    )
    assert refused("validate", "--topology", "agent", "--binary", "./none") == [
        "otel-verein collector validate: --binary: ./none is no program"
    ]
    assert refused("validate", "--topology", "agent", VEREIN_COLLECTOR="none") == [
        "otel-verein collector validate: VEREIN_COLLECTOR: none is no program"
    ]


def test_a_directory_that_cannot_be_written_is_told(here: Path) -> None:
    """With the option that names it."""
    (here / "taken").touch()

    assert refused("run", "--topology", "agent", VEREIN_COLLECTOR="/bin/true", VEREIN_COLLECTOR_DIRECTORY="taken") == [
        "otel-verein collector run: VEREIN_COLLECTOR_DIRECTORY: collector.directory: taken cannot be written: "
        "File exists"
    ]


def test_expire_says_what_it_would_delete_and_deletes_it(here: Path) -> None:
    """The days of the tier decide; a dry run deletes nothing."""
    folder = here / ".verein/collector/otlp/spans"
    folder.mkdir(parents=True)
    old, new = (folder / f"short-2026-11-0{day}T10-00-00.000.jsonl" for day in (1, 2))
    for path, days in ((old, 8), (new, 6)):
        path.write_bytes(b"x" * 1024 * 1024)
        ended = datetime.now(timezone.utc) - timedelta(days=days)
        os.utime(path, (ended.timestamp(), ended.timestamp()))
    told = f"{old.relative_to(here)}: 1.0 MiB, last written {datetime.now(timezone.utc) - timedelta(days=8):%Y-%m-%d}"

    dry = run("expire", "--dry-run").stdout.splitlines()
    there = old.exists()
    wet = run("expire").stdout.splitlines()

    assert (dry[0].startswith(told), dry[1]) == (True, "1 file would be deleted, 1.0 MiB")
    assert (wet[0], wet[1]) == (dry[0], "1 file deleted, 1.0 MiB")
    assert (there, old.exists(), new.exists()) == (True, False, True)
