"""``otel-verein report`` and what all commands that answer share: sources, windows, forms, and how they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from otel_verein.api.report import report as make_report
from otel_verein.cli.answer_options import moment
from otel_verein.cli.report_page import write_page
from otel_verein.config.schema import Config
from otel_verein.errors import SourceError
from otel_verein.sources import OtlpFiles
from otel_verein.sources.base import ALL
from tests.unit.answers import answer, run, shop
from tests.unit.otlp_lines import metrics_request, operation_metrics, spans_request, write

COMMANDS = [
    "report",
    "findings",
    "health",
    "slow",
    "trend",
    "entity",
    "differs x",
    "trace " + "0" * 32,
    "baseline take x",
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", 910),
        ("1m", 940),
        ("1970-01-02", 86_400),
        ("1970-01-01T00:10:00Z", 600),
        ("1970-01-01T01:10:00+01:00", 600),
        ("1970-01-01t00:10:00z", 600),
        ("9d", 0),
    ],
)
def test_a_time_is_how_long_ago_a_date_or_a_moment(text: str, expected: int) -> None:
    """In nanoseconds since the epoch; what has no offset is UTC, and nothing is before the epoch."""
    assert moment(text, now=1000.0) == expected * 10**9


@pytest.mark.parametrize("text", ["", "soon", "7", "-1d", "2026-13-01", "1e9"])
def test_what_is_no_time_is_refused(text: str) -> None:
    """The message says what one looks like."""
    with pytest.raises(click.BadParameter) as refused:
        moment(text)

    assert refused.value.message == (
        f"{text!r} is no time; it has to be such as 2h, 7d, 2026-11-25 or 2026-11-25T09:30:00Z"
    )


def test_a_window_that_ends_before_it_begins_is_refused(tmp_path: Path) -> None:
    """Before anything is read."""
    done = run("report", "--source", shop(tmp_path), "--since", "1d", "--until", "2d")

    assert (done.exit_code, "--until has to be after --since" in done.stderr) == (2, True)


def test_limits_reach_the_source(tmp_path: Path) -> None:
    """Service, operation and window limit what is answered."""
    place = shop(tmp_path)

    def names(*words: str) -> list[str]:
        return [each["operation"] for each in answer("report", "--source", place, *words)["operations"]]

    assert names() == ["GET /books", "GET /about"]
    assert names("--operation", "*about") == ["GET /about"]
    assert names("--service", "other") == []
    assert names("--since", "2025-11-25", "--until", "2025-11-26") == ["GET /books", "GET /about"]
    assert names("--until", "2025-11-25") == []


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("wrong", ["absent", "ftp://x", "jaeger:x"])
def test_a_source_that_is_none_is_one_line_and_status_two(tmp_path: Path, command: str, wrong: str) -> None:
    """Every command says what is wrong with it, without a traceback."""
    place = tmp_path / "absent" if wrong == "absent" else wrong
    done = run(*command.split(), "--source", place)

    assert (done.exit_code, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"otel-verein {' '.join(command.split()[: 2 if command.startswith('baseline') else 1])}: ")


def test_an_estimate_says_that_it_is_one(tmp_path: Path) -> None:
    """From 40 sampled operations of weight 2: about 80, with the half width of its interval, in every form."""
    requests = [spans_request("GET /", [], number=number) for number in range(1, 41)]
    for request in requests:
        (span,) = request["resourceSpans"][0]["scopeSpans"][0]["spans"]
        span["traceState"] = "ot=th:8"
    write(tmp_path / "spans" / "a.jsonl", *requests)
    file = tmp_path / "report.html"

    text = run("report", "--source", tmp_path).stdout
    markdown = run("report", "--source", tmp_path, "--markdown").stdout
    run("report", "--source", tmp_path, "--html", file)

    assert [line.split()[2:4] for line in text.splitlines() if line.startswith("GET / ")] == [["~80", "±18"]]
    assert "~ estimated from 40 sampled operations and their weights" in text
    assert "| <code>GET /</code> | ~80 ±18 | " in markdown
    assert ">~80 ±18</td>" in file.read_text(encoding="utf-8")


def test_from_is_the_old_word_for_source(tmp_path: Path) -> None:
    """Both name the place."""
    place = shop(tmp_path)

    assert run("report", "--from", place).stdout == run("report", "--source", place).stdout


def test_a_page_is_whole_or_not_there(tmp_path: Path) -> None:
    """It is written beside and moved; where that cannot be, it is said, and nothing is left."""
    place, file = shop(tmp_path / "shop"), tmp_path / "report.html"
    done = run("report", "--source", place, "--html", file)
    refused = run("report", "--source", place, "--html", tmp_path / "absent" / "report.html")

    assert (done.exit_code, done.stdout) == (0, f"{file}: {file.stat().st_size / 1000:.0f} kB\n")
    assert file.read_text(encoding="utf-8").endswith("</html>\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "shop"]
    assert (refused.exit_code, "cannot be written" in refused.stderr) == (2, True)


def test_what_cannot_be_put_in_place_leaves_nothing_behind(tmp_path: Path) -> None:
    """Where the name is taken by a directory, it is said, and the half of a page beside it is gone."""
    source, taken = OtlpFiles(shop(tmp_path / "shop")), tmp_path / "taken"
    taken.mkdir()

    with pytest.raises(SourceError) as refused:
        write_page(taken, make_report(source, Config()), source, Config(), ALL)

    assert str(refused.value) == f"{taken}: cannot be written: Is a directory"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["shop", "taken"]


def test_a_page_and_json_do_not_mix(tmp_path: Path) -> None:
    """With --json the word about the page goes to stderr."""
    file = tmp_path / "report.html"
    done = run("report", "--source", shop(tmp_path / "shop"), "--html", file, "--json")

    assert json.loads(done.stdout)["schema"] == 1
    assert done.stderr.startswith(f"{file}: ")


def test_bottlenecks_and_what_to_mend_are_part_of_it(tmp_path: Path) -> None:
    """The most urgent operation with its reason, and the findings in the order in which mending them pays."""
    text = run("report", "--source", shop(tmp_path, queries=60)).stdout

    assert (
        "1 operation name with bottlenecks, the most urgent first\ncritical GET /books: 60 queries at the 95th" in text
    )
    assert "1. GET /books: SELECT author      960  1.92 s" in text


@pytest.mark.parametrize(
    "words", [["report"], ["report", "--json"], ["report", "--markdown"], ["health"], ["findings"]]
)
def test_a_reader_that_has_gone_is_no_traceback(tmp_path: Path, words: list[str]) -> None:
    """Where the pipe is closed, as `head` does, the command ends without a word."""
    metrics = [each for number in range(400) for each in operation_metrics(f"GET /{number}" * 9, duration=[0.1])]
    write(tmp_path / "metrics" / "a.jsonl", metrics_request(metrics))
    code = "from otel_verein.cli.main import main; main()"
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            code,
            *words,
            "--source",
            str(tmp_path),
            *(["--limit", "400"] if len(words) == 1 else []),
        ],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(writing)

    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_without_rich_json_still_answers(tmp_path: Path) -> None:
    """What is shown on a terminal needs the extra, which is named; JSON does not."""
    hide = "import sys; sys.modules['rich'] = None; from otel_verein.cli.main import main; main()"
    place = str(shop(tmp_path))

    def ended(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", hide, "report", "--source", place, *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert json.loads(ended("--json").stdout)["schema"] == 1
    assert (ended().returncode, ended().stderr) == (
        2,
        "otel-verein report: showing answers on a terminal needs rich, which is not installed: "
        "pip install 'otel-verein[report]'\n",
    )


def test_help_loads_nothing_heavy() -> None:
    """Commands and their help are there without what reading needs."""
    code = (
        "import sys; from click.testing import CliRunner; from otel_verein.cli.main import main; "
        "out = CliRunner().invoke(main, ['--help']); assert out.exit_code == 0, out.output; "
        "print(*{'duckdb', 'pyarrow', 'rich', 'msgspec', 'opentelemetry.sdk'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout == "\n"
