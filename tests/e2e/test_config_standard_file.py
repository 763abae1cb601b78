"""A process under ``otel-verein run`` is judged by our node of the standard file, also when that changes."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import segments
from tests.e2e.launch import APPS, environment, job
from tests.services.process import wait_until

QUERIES = 6
RUN = ("otel-verein", "run", "--quiet", "--")

STANDARD = """\
file_format: '1.0'
disabled: false
tracer_provider:
  processors: [{batch: {exporter: {otlp_http: {endpoint: 'http://127.0.0.1:1/v1/traces'}}}}]
distribution:
  verein:
    thresholds: {queries: '${SHOP_QUERIES:-5}'}
    n_plus_one: {repeats: 50, certain_repeats: 50}
    sampling: {ratio: 1.0}
"""


def judged(directory: Path) -> list[tuple[int, tuple[str, ...]]]:
    """The queries and breaches of every operation that was exported."""
    return [
        (root["verein.db.query_count"], tuple(root.get("verein.breach", ())))
        for root in segments.roots(directory / ".verein/otlp")
    ]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [({}, ("queries",)), ({"SHOP_QUERIES": "6"}, ()), ({"VEREIN_THRESHOLDS_QUERIES": "6"}, ())],
    ids=["default", "its variable", "our variable"],
)
def test_a_process_is_judged_by_the_standard_file(
    variables: dict[str, str], expected: tuple[str, ...], tmp_path: Path
) -> None:
    """Our node decides, with variables in it, and no ``verein.yaml`` beside it; our variables go over."""
    (tmp_path / "otel.yaml").write_text(STANDARD)
    (tmp_path / "verein.yaml").write_text("thresholds: {queries: 1}\nsampling: {ratio: 0}\n")

    done = job(
        tmp_path, str(QUERIES), script="command.py", runner=RUN, extra={"OTEL_CONFIG_FILE": "otel.yaml", **variables}
    )

    assert (0, "done\n", "") == (done.returncode, done.stdout, done.stderr)
    assert [(QUERIES, expected)] == judged(tmp_path)


def test_a_standard_file_that_is_not_there_costs_a_line(tmp_path: Path) -> None:
    """The script runs and is counted with the defaults; the line says which file cannot be read."""
    done = job(
        tmp_path,
        str(QUERIES),
        script="command.py",
        runner=RUN,
        extra={"OTEL_CONFIG_FILE": "none.yaml", "VEREIN_SAMPLING_RATIO": "1"},
    )

    told = "otel-verein: the configuration is not usable, defaults are in force: "
    assert (0, "done\n") == (done.returncode, done.stdout)
    assert f"{told}{tmp_path / 'none.yaml'}: cannot be read: No such file or directory\n" == done.stderr
    assert QUERIES == segments.sums(tmp_path / ".verein/otlp").queries


ENVIRONMENTS = {
    "variable": ({"VEREIN_ENVIRONMENT": "production"}, "", "production"),
    "file": ({}, "environment: staging\n", "staging"),
    "attribute": ({"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=prod"}, "", "production"),
    "debug flag": ({"FLASK_DEBUG": "1"}, "", "development"),
    "none": ({}, "", "unknown"),
}
"""What names the environment -> what the process says it runs as."""


@pytest.mark.parametrize(("variables", "file", "expected"), ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_a_process_says_in_which_environment_it_was_judged(
    variables: dict[str, str], file: str, expected: str, tmp_path: Path
) -> None:
    """On the gauge beside its figures, with the digest of what is in force and the state."""
    (tmp_path / "verein.yaml").write_text(file)

    job(tmp_path, str(QUERIES), script="command.py", runner=RUN, extra=variables)

    assert {(expected, "in_force", 12)} == {
        (said["verein.config.environment"], said["verein.config.state"], len(said["verein.config.digest"]))
        for said in _info(tmp_path)
    }


def _info(directory: Path) -> list[dict[str, Any]]:
    """What the gauge says, of all processes."""
    return [
        segments.attributes(point)
        for line in segments.lines(directory / ".verein/otlp", "metrics")
        for resource in line["resourceMetrics"]
        for scope in resource["scopeMetrics"]
        for metric in scope["metrics"]
        if metric["name"] == "verein.config.info"
        for point in metric["gauge"]["dataPoints"]
    ]


def test_a_standard_file_may_change_while_a_process_runs(tmp_path: Path) -> None:
    """It is read again with the variables of the process's start; operations of five queries go over to the new one."""
    file = tmp_path / "otel.yaml"
    file.write_text(STANDARD)
    out = tmp_path / "out.txt"
    over, within = (5, ("queries",)), (5, ())
    with out.open("wb") as sink:
        process = subprocess.Popen(
            [*RUN, "python", str(APPS / "config_loop.py")],
            cwd=tmp_path,
            env=environment({"OTEL_CONFIG_FILE": "otel.yaml", "SHOP_QUERIES": "4", "SHOP_MORE": "5"}),
            stdout=sink,
            stderr=sink,
        )
    try:
        assert wait_until(lambda: over in judged(tmp_path), 20), out.read_text()
        file.write_text(STANDARD.replace("SHOP_QUERIES:-5", "SHOP_MORE"))
        assert wait_until(lambda: within in judged(tmp_path), 10), out.read_text()
    finally:
        process.kill()
        process.wait()

    found = judged(tmp_path)
    first = found.index(within)
    assert [over] * first + [within] * (len(found) - first) == found
