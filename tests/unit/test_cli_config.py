"""The commands that ask about a configuration: what they print, and how they end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from otel_verein.clock import Clock
from otel_verein.config.layers import digest, resolve
from otel_verein.config.schema import Config
from tests.unit.config_commands import Q, file, here, printed, refused, run
from tests.unit.test_sources_configurations import said

__all__ = ["here"]
pytestmark = pytest.mark.usefixtures("here")


def test_show_without_anything_says_that_all_is_as_by_default() -> None:
    """The head names environment, file, override and digest; there is no option to show."""
    assert printed("show") == (
        "# environment: none (nothing names it)\n"
        "# file: none (verein.yaml is not there)\n"
        "# override: none\n"
        f"# digest: {resolve({}).digest}\n"
        "# every option is as by default\n"
    )


def test_show_why_says_where_each_value_is_from_and_what_it_hides() -> None:
    """The strongest layer first, then what it hides; planned options and those of the start are marked."""
    file("thresholds:\n  queries: 30\nexport: {retry_s: 6}\nself_monitoring: {memory_mb: 76}\n")
    printed("set", Q, "40", "--override")

    shown = printed("show", "--why", VEREIN_THRESHOLDS_QUERIES="35")

    assert shown.partition("thresholds:\n")[2] == (
        "  queries: 40\n"
        "    # from .verein/config/override.yaml:2\n"
        "    # over VEREIN_THRESHOLDS_QUERIES: '35'\n"
        "    # over verein.yaml:2: 30\n"
        "    # over default: 50\n"
        "export:\n"
        "  retry_s: 6.0\n"
        "    # from verein.yaml:3\n"
        "    # over default: 5.0\n"
        "    # a change takes effect when a process starts\n"
        "self_monitoring:\n"
        "  memory_mb: 76.0\n"
        "    # from verein.yaml:4\n"
        "    # over default: 75.0\n"
        "    # planned: checked and carried, and not read by anything yet\n"
    )


def test_show_names_environment_notes_and_override() -> None:
    """The head says what detected the environment, how much is overridden, and what was left aside."""
    printed("set", Q, "40", "--override", VEREIN_ENVIRONMENT="production")

    head = printed("show", "sampling.ratio", VEREIN_ENVIRONMENT="production", OTEL_TRACES_SAMPLER="magic").splitlines()

    assert [head[0], *head[2:3], *head[4:]] == [
        "# environment: production (VEREIN_ENVIRONMENT)",
        "# override: .verein/config/override.yaml (1 option)",
        "# note: OTEL_TRACES_SAMPLER: 'magic' is no sampler that otel-verein can stand for; it is left aside",
        "sampling:",
        "  ratio: 1.0",
    ]


@pytest.mark.parametrize("arguments", [pytest.param(["--all"], id="all"), pytest.param([], id="what-differs")])
def test_what_show_prints_is_a_configuration_that_says_the_same(arguments: list[str]) -> None:
    """The output, as a file, makes the very configuration it was the output of."""
    file(
        "call_site: {application: [our_shop, 'null']}\n"
        "sampling: {operations: [{operation: 'GET /health*', ratio: 0.01}]}\n"
        "ignore: {rules: [{reason: \"it's three rows\", until: 2027-03-31, statement: 'SELECT *'}]}\n"
    )
    before = resolve({}).digest

    file(printed("show", *arguments))

    assert resolve({}).digest == before != digest(Config())


def test_show_of_a_bad_configuration_tells_every_problem() -> None:
    """All problems stand on stderr, each with its line, and the exit status is 1."""
    file("thresholds:\n  querys: 3\n  queries: 0\n")

    assert refused("show", status=1) == (
        "otel-verein config show: verein.yaml:2: thresholds.querys: unknown key; did you mean 'queries'?\n"
        "otel-verein config show: verein.yaml:3: thresholds.queries: 0 must be at least 1\n"
    )


def test_show_as_json_has_what_is_asked_for() -> None:
    """The object has head, notes and, for each option, its value with all origins."""
    file("thresholds: {queries: 30}\n")

    answer = json.loads(printed("show", Q, "--json"))

    assert answer == {
        "schema": 1,
        "environment": {"name": None, "by": "nothing names it"},
        "file": str(Path("verein.yaml").absolute()),
        "override": None,
        "digest": resolve({}).digest,
        "options": [
            {
                "key": Q,
                "value": 30,
                "default": 50,
                "origins": [
                    {"layer": "file", "where": f"{Path('verein.yaml').absolute()}:1", "value": 30},
                    {"layer": "default", "where": "", "value": 50},
                ],
                "planned": False,
                "at_start": False,
                "until": None,
            }
        ],
        "notes": [],
    }


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param(Q, "50", id="number"),
        pytest.param("capabilities.metrics", "true", id="switch"),
        pytest.param("export.directory", "'.verein/otlp'", id="text"),
        pytest.param("sampling.operations", "[{operation: 'GET /*', ratio: 0.01}]", id="list"),
        pytest.param("environment", "staging", id="environment"),
    ],
)
def test_get_prints_the_value_alone(key: str, value: str) -> None:
    """The value as a configuration file has it, whatever its kind."""
    file(
        "environment: staging\nthresholds: {queries: 50}\nsampling: {operations: [{operation: GET /*, ratio: 0.01}]}\n"
    )

    assert printed("get", key) == f"{value}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["get", "thresholds.querys"], "unknown key; did you mean 'thresholds.queries'?", id="get"),
        pytest.param(["show", "querys"], "unknown key; did you mean 'thresholds.queries'?", id="show"),
        pytest.param(["set", "sampling.rate", "1"], "unknown key; did you mean 'sampling.ratio'?", id="set"),
        pytest.param(["unset", "ratio"], "unknown key; did you mean 'sampling.ratio'?", id="unset"),
        pytest.param(["history", "querys"], "unknown key; did you mean 'thresholds.queries'?", id="history"),
        pytest.param(
            ["set", "thresholds", "1"],
            "is a section; name one option of it, such as thresholds.queries",
            id="section",
        ),
    ],
)
def test_a_key_that_is_none_is_told_with_what_is_near(arguments: list[str], message: str) -> None:
    """Every command that takes a key says what is probably meant, and ends with 2."""
    command, key = arguments[:2]

    assert refused(*arguments) == f"otel-verein config {command}: {key}: {message}\n"


def test_validate_says_that_a_file_is_valid() -> None:
    """One line with the file, the number of options it sets, and the digest."""
    file("thresholds: {queries: 30, duration_s: 1}\nenvironments:\n  production: {thresholds: {queries: 10}}\n")

    assert printed("validate") == f"verein.yaml: valid; 2 options set; digest {resolve({}).digest}\n"


def test_validate_without_a_file_checks_the_variables() -> None:
    """What is not there is said; a wrong variable is a problem."""
    nothing = "verein.yaml: is not there; what variables and override say is valid"

    assert printed("validate") == f"{nothing}; digest {resolve({}).digest}\n"
    assert printed("validate", status=1, VEREIN_SAMPLING_RATIO="2") == (
        "VEREIN_SAMPLING_RATIO: sampling.ratio: '2' must be at most 1\n"
    )


def test_validate_tells_problems_line_by_line() -> None:
    """Each is file, line, key and rule, as editors and CI can read them; the exit status is 1."""
    file("thresholds:\n  querys: 3\ncapabilities:\n  metrics: false\n")

    assert printed("validate", "verein.yaml", status=1) == (
        "verein.yaml:2: thresholds.querys: unknown key; did you mean 'queries'?\n"
        "verein.yaml:4: in production: capabilities.metrics: false is refused: the figures of production would be "
        "unknown; set allow.monitoring_off if that is meant\n"
    )
    assert len(json.loads(printed("validate", "--json", status=1))["problems"]) == 2


@pytest.mark.parametrize(
    ("name", "why"),
    [
        pytest.param("no.yaml", "No such file or directory", id="absent"),
        pytest.param("folder", "it is not a regular file", id="directory"),
    ],
)
def test_validate_ends_with_2_for_what_cannot_be_read(name: str, why: str) -> None:
    """That is no verdict on a configuration."""
    Path("folder").mkdir()

    assert refused("validate", name) == f"otel-verein config validate: {name}: cannot be read: {why}\n"


def test_diff_shows_options_and_ends_as_diff_does() -> None:
    """0 and silence for equal ones, 1 and a line per option for different ones, 2 for what is none."""
    file("thresholds: {queries: 30}\n")

    assert printed("diff", "file", "now") == ""
    assert printed("diff", status=1) == "--- defaults\n+++ now\nthresholds.queries: 50 -> 30\n"
    assert json.loads(printed("diff", "now", "defaults", "--json", status=1)) == {
        "schema": 1,
        "from": "now",
        "to": "defaults",
        "differences": [{"key": Q, "from": 30, "to": 50}],
    }
    assert refused("diff", "prod") == (
        "otel-verein config diff: prod: is none of defaults, development, staging, production, file, now, an id of the "
        "history, or a file\n"
    )


def test_sample_and_schema_are_what_the_reference_has() -> None:
    """The sample is a valid file that changes nothing; the schema is the JSON Schema of all sections."""
    file(printed("sample"))

    assert printed("diff", "defaults", "now") == ""
    assert "thresholds" in json.loads(printed("schema"))["properties"]


@pytest.mark.parametrize(
    ("said_digest", "status", "counted"),
    [
        pytest.param(digest(Config()), 0, "1 current", id="current"),
        pytest.param("0123456789ab", 1, "1 lagging", id="lagging"),
    ],
)
def test_status_ends_with_whether_all_are_current(said_digest: str, status: int, counted: str) -> None:
    """0 if every process runs what it should, 1 if one does not; the table has a line for it."""
    telling = said(said_digest, at_ns=Clock.wall_ns(), process__pid=7, host__name="web1")
    point = telling["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]["gauge"]["dataPoints"][0]
    point["attributes"][1]["value"]["stringValue"] = "unknown"
    Path("metrics.jsonl").write_text(json.dumps(telling) + "\n")

    lines = printed("status", "--from", "metrics.jsonl", status=status).splitlines()

    assert lines[0] == f"1 process in metrics.jsonl: {counted}"
    assert lines[2].split()[:7] == ["shop", "pid", "7", "on", "web1", "unknown", said_digest]


def test_status_of_processes_that_are_gone_is_none() -> None:
    """If no process was seen lately, there is none to judge: that is not "all current"."""
    Path("metrics.jsonl").write_text(json.dumps(said("0123456789ab")) + "\n")

    assert (
        printed("status", "--from", "metrics.jsonl", status=2).splitlines()[0] == "1 process in metrics.jsonl: 1 gone"
    )


def test_status_is_told_also_where_the_file_is_broken() -> None:
    """The telemetry is looked for where it is by default; nothing is compared, and the problem is told."""
    file("thresholds: {querys: 3}\n")
    metrics = Path(".verein/otlp/metrics")
    metrics.mkdir(parents=True)
    (metrics / "1.jsonl").write_text(json.dumps(said("0123456789ab", at_ns=Clock.wall_ns())) + "\n")

    result = run("status")

    assert (result.exit_code, result.stdout.splitlines()[0]) == (1, "1 process in .verein/otlp: 1 unknown")
    assert "verein.yaml:1: thresholds.querys: unknown key; did you mean 'queries'?" in result.stderr


def test_status_without_telemetry_is_told() -> None:
    """Nothing to read ends with 2 and says what to do."""
    assert refused("status").startswith("otel-verein config status: no telemetry: .verein/otlp does not exist; ")
