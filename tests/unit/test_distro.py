"""The wiring: which exporters for which variables, and a broken configuration that only costs a line of log."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from otel_verein import distro
from otel_verein.cli.main import main
from otel_verein.cli.run import found, prepared_environment
from otel_verein.config import Config, load
from otel_verein.config.watch import Watch
from otel_verein.exporters.choice import metrics_every_s

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


def test_a_broken_configuration_is_one_line_and_the_defaults(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The application starts with the defaults, told once what is wrong and where."""
    file = tmp_path / "verein.yaml"
    file.write_text("sampling:\n  ratio: 7\nnonsense: 1\n")
    with caplog.at_level(logging.WARNING, "otel_verein"):
        config = distro.usable(Watch({"VEREIN_CONFIG": str(file)}).read())

    assert config == Config()
    assert len(caplog.messages) == 1
    assert f"{file}:2: sampling.ratio: 7 must be at most 1" in caplog.messages[0]


@pytest.mark.parametrize(
    ("environ", "spans", "metrics", "cumulative"),
    [
        ({}, "FileSpanExporter", "FileMetrics", False),
        ({"OTEL_TRACES_EXPORTER": "none"}, "NoneType", "FileMetrics", False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
         "SpansOnDemand", "MetricsOnDemand", True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
          "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta", "OTEL_METRICS_EXPORTER": "none"},
         "SpansOnDemand", "NoneType", False),
    ],
)  # fmt: skip
def test_exporters_follow_the_standard_variables(
    environ: dict[str, str], spans: str, metrics: str, cumulative: bool
) -> None:
    """No endpoint: files, as deltas. An endpoint: OTLP with its temporality preference. none: none."""
    made = distro.exporters(Config(), environ)

    assert (type(made[0]).__name__, type(made[1]).__name__, made[2]) == (spans, metrics, cumulative)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, 0.0),
        ({"OTEL_METRIC_EXPORT_INTERVAL": "1000"}, 0.0),
        ({ENDPOINT: "http://127.0.0.1:1"}, Config().export.metrics_interval_s),
        ({ENDPOINT: "http://127.0.0.1:1", "OTEL_METRIC_EXPORT_INTERVAL": "1500"}, 1.5),
        ({ENDPOINT: "http://127.0.0.1:1", "OTEL_METRIC_EXPORT_INTERVAL": "soon"}, Config().export.metrics_interval_s),
    ],
    ids=["files", "files, given", "endpoint", "endpoint, given", "endpoint, odd"],
)
def test_metrics_go_to_an_endpoint_in_their_own_rhythm(environ: dict[str, str], expected: float) -> None:
    """Files take them with every turn; the standard variable says what the option says."""
    assert metrics_every_s(load(environ), environ) == expected


def test_run_prepares_children_once() -> None:
    """The bootstrap stands first on PYTHONPATH, once, and the rest of the path stays."""
    once = prepared_environment({"PYTHONPATH": "/somewhere"})
    twice = prepared_environment(once)

    assert once == twice
    assert once["PYTHONPATH"].split(":")[1:] == ["/somewhere"]
    assert (once["OTEL_PYTHON_DISTRO"], once["OTEL_PYTHON_CONFIGURATOR"]) == ("verein", "verein")


def test_run_of_an_unknown_command_says_so() -> None:
    """A command that is not found is one line and exit code 127, as in a shell."""
    result = CliRunner().invoke(main, ["run", "--", "no-such-command-here"])

    assert (result.exit_code, result.output) == (127, "otel-verein: no-such-command-here: command not found\n")


def test_run_takes_the_python_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bare ``python`` is the one of our own environment, whatever stands first on PATH."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")

    beside = Path(sys.executable).parent / "python"
    assert found("python") == str(beside)
    assert found("sh") in ("/usr/bin/sh", "/bin/sh")


def test_importing_the_package_imports_nothing_else() -> None:
    """``import otel_verein`` costs an application its own two small modules and no more."""
    code = "import sys; before = set(sys.modules); import otel_verein; print(*sorted(set(sys.modules) - before))"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert [name for name in loaded if not name.startswith("otel_verein")] == ["__future__"][: "__future__" in loaded]


@pytest.mark.parametrize(
    "arguments",
    [["--help"], *([name, "--help"] for name in ("run", "report", "store")), ["store", "watch", "--help"]],
    ids=" ".join,
)
def test_help_needs_no_extra(arguments: list[str]) -> None:
    """Every command explains itself where neither DuckDB nor a framework is installed."""
    absent = "duckdb", "pyarrow", "msgspec", "django", "flask", "fastapi"
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({absent!r})); sys.argv = {['otel-verein', *arguments]!r}\n"
        "from otel_verein.cli.main import main; main()"
    )

    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert "Usage: otel-verein" in shown
