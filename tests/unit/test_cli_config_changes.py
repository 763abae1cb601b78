"""The commands that change a configuration: what they write, say and refuse, and the record of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from otel_verein.config.changes import user
from otel_verein.config.layers import resolve
from tests.unit.config_commands import Q, file, here, printed, refused

__all__ = ["here"]
pytestmark = pytest.mark.usefixtures("here")


def test_set_writes_the_file_and_says_what_happens() -> None:
    """Comments and order stay; the lines say old and new, what is in force, and when processes have it."""
    file("# ours\nthresholds:\n  queries: 30 # as agreed\n  duration_s: 1\n")

    said_so = printed("set", Q, "20", "--reason", "slow pages")

    assert said_so == (
        "verein.yaml (entry 1 of the history)\n"
        "  thresholds.queries: 30 -> 20\n"
        "thresholds.queries: in force here is 20 (verein.yaml:3)\n"
        "Running processes take it over within 5 s.\n"
    )
    assert Path("verein.yaml").read_text() == "# ours\nthresholds:\n  queries: 20 # as agreed\n  duration_s: 1\n"


def test_a_section_that_was_empty_is_no_change() -> None:
    """Only options are told: not that a section without any has one now, nor that it has none again."""
    file("thresholds:\n  # budgets\n")

    printed("set", Q, "20")
    printed("unset", Q)
    lines = [line for line in printed("history").splitlines() if line.startswith("     ")]

    assert lines == ["     thresholds.queries: 20 -> (not set)", "     thresholds.queries: (not set) -> 20"]


SET_LINES = [
    pytest.param(
        [Q, "30"],
        {"VEREIN_THRESHOLDS_QUERIES": "7"},
        [
            "thresholds.queries: NOT in force here: VEREIN_THRESHOLDS_QUERIES is stronger and says 7",
            "Running processes take it over within 5 s.",
        ],
        id="variable-is-stronger",
    ),
    pytest.param(
        [Q, "30", "--environment", "production"],
        {"FLASK_DEBUG": "1"},
        [
            "thresholds.queries: holds in production; the environment here is development (FLASK_DEBUG)",
            "Running processes take it over within 5 s.",
        ],
        id="elsewhere",
    ),
    pytest.param(
        ["export.retry_s", "6"],
        {},
        [
            "export.retry_s: in force here is 6.0 (verein.yaml:2)",
            "export.retry_s: a process takes it over when it starts.",
        ],
        id="at-start",
    ),
    pytest.param(
        ["self_monitoring.overhead", "0.1"],
        {},
        [
            "self_monitoring.overhead: in force here is 0.1 (verein.yaml:2)",
            "self_monitoring.overhead: nothing reads it yet.",
        ],
        id="planned",
    ),
    pytest.param(
        ["environment", "staging"],
        {},
        ["environment: in force here is staging (verein.yaml:1)", "Running processes take it over within 5 s."],
        id="environment",
    ),
]


@pytest.mark.parametrize(("arguments", "environ", "lines"), SET_LINES)
def test_set_says_whether_and_when_it_holds(arguments: list[str], environ: dict[str, str], lines: list[str]) -> None:
    """What is stronger, what is for elsewhere, and what waits for a start or for nothing at all is said clearly."""
    assert printed("set", *arguments, **environ).splitlines()[2:] == lines


def test_set_for_a_time_is_an_override_with_an_end() -> None:
    """`--for` leaves the file alone; the end is in the override, and is shown."""
    said_so = printed("set", "sampling.ratio", "1", "--for", "30m").splitlines()

    until = resolve({}).next_end
    assert until is not None
    shown = f"{until:%Y-%m-%d %H:%M:%S} UTC"
    assert said_so == [
        ".verein/config/override.yaml (entry 1 of the history)",
        "  sampling.ratio: (not set) -> 1",
        f"  until.sampling.ratio: (not set) -> '{until:%Y-%m-%dT%H:%M:%SZ}'",
        f"sampling.ratio: in force here is 1.0 (.verein/config/override.yaml:2, until {shown})",
        "Running processes take it over within 5 s.",
    ]
    assert not Path("verein.yaml").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["0"], "verein.yaml:2: thresholds.queries: 0 must be at least 1", id="bound"),
        pytest.param(["-1"], "verein.yaml:2: thresholds.queries: -1 must be at least 1", id="negative"),
        pytest.param(["true"], "verein.yaml:2: thresholds.queries: true is not a whole number", id="kind"),
        pytest.param(
            [""],
            "verein.yaml:2: thresholds.queries: has no value; leave the key out to have the default",
            id="nothing",
        ),
        pytest.param(
            ["[1"],
            "VALUE: is not valid YAML: did not find expected ',' or ']'; is a comma or the closing bracket missing?",
            id="syntax",
        ),
        pytest.param(
            ["30", "--reason", "x" * 501], "why: has 501 characters; it must be at most 500", id="reason-too-long"
        ),
    ],
)
def test_set_refuses_what_is_not_valid(arguments: list[str], message: str) -> None:
    """The exit status is 2, and the file is not there, as before."""
    assert refused("set", Q, *arguments) == f"otel-verein config set: {message}\n"
    assert not Path("verein.yaml").exists()


def test_set_makes_a_file_that_is_named_and_not_there() -> None:
    """`--config` may name a new file."""
    Path("conf").mkdir()

    printed("set", Q, "30", "--config", "conf/new.yaml")

    assert Path("conf/new.yaml").read_text() == "thresholds:\n  queries: 30\n"
    assert printed("get", Q, "--config", "conf/new.yaml") == "30\n"


def test_what_is_so_already_is_said_and_not_written() -> None:
    """The same value, a key that is not set, and the file of the past that it is: all end with 0."""
    printed("set", Q, "30")

    assert [
        printed("set", Q, "30").splitlines()[0],
        printed("unset", "sampling.ratio").splitlines()[0],
        printed("rollback", "1").splitlines()[0],
    ] == [
        "thresholds.queries is 30 in verein.yaml already; nothing is written",
        "sampling.ratio is not set in verein.yaml; nothing is written",
        "verein.yaml is as it was then; nothing is written",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["set", Q, "1", "--for", "soon"], "'soon' is no time such as 90s, 30m, 12h or 7d", id="no-time"),
        pytest.param(["set", Q, "1", "--for", "0m"], "'0m' is no time such as 90s, 30m, 12h or 7d", id="no-length"),
        pytest.param(["set", Q, "1", "--for", "9999d"], "of 3660d at most", id="too-long"),
        pytest.param(
            ["set", Q, "1", "--override", "--environment", "staging"], "the override has no environments", id="both"
        ),
        pytest.param(["set", Q, "1", "--environment", "prod"], "'prod' is not one of", id="environment"),
        pytest.param(["set", Q, "1", "--reson", "x"], "unexpected extra argument", id="misspelled-option"),
        pytest.param(["rollback", "last"], "'last' is not a valid integer", id="no-id"),
    ],
)
def test_a_wrong_command_line_is_told(arguments: list[str], message: str) -> None:
    """The exit status is 2, and nothing is written."""
    assert message in refused(*arguments)
    assert list(Path().iterdir()) == []


def test_history_shows_who_changed_what_and_why() -> None:
    """The newest first, with the time and the reason; a limit says how much is left out."""
    printed("set", Q, "30", "--reason", "slow pages")
    printed("set", "sampling.ratio", "0.5", "--override")
    printed("unset", Q)

    entries = json.loads(printed("history", "--json"))["entries"]
    when = [f"{entry['when'][:10]} {entry['when'][11:19]} UTC" for entry in entries]

    assert printed("history", "--limit", "2") == (
        f"3  {when[0]}  {user()}  unset  file\n"
        "     thresholds.queries: 30 -> (not set)\n"
        f"2  {when[1]}  {user()}  set  override\n"
        "     sampling.ratio: (not set) -> 0.5\n"
        "... and 1 older (--limit)\n"
    )
    assert printed("history", Q).splitlines()[-1] == "     why: slow pages"
    assert printed("history", "retention") == "no change is on record for retention\n"


def test_rollback_brings_a_file_back_and_is_on_record() -> None:
    """The file is the one of then, byte for byte."""
    file("thresholds: {queries: 30} # ours\n")
    printed("set", Q, "40")
    printed("set", "sampling.ratio", "0.5")

    said_so = printed("rollback", "0", "--reason", "as it was")

    assert said_so.splitlines()[:3] == [
        "verein.yaml (entry 3 of the history)",
        "  thresholds.queries: 40 -> 30",
        "  sampling.ratio: 0.5 -> (not set)",
    ]
    assert Path("verein.yaml").read_text() == "thresholds: {queries: 30} # ours\n"
    assert "otel-verein config rollback: .verein/config: the history has no entry 7; it has 1 to 3\n" == refused(
        "rollback", "7"
    )
