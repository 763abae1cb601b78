"""``otel-verein baseline``: taken, listed, shown, compared with, and removed only when asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.answers import answer, run, shop


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a shop that has an N+1."""
    monkeypatch.chdir(tmp_path)
    return shop(tmp_path / "shop")


def test_versions_are_kept_until_one_is_removed(place: Path) -> None:
    """Each taking is a version of its own; removing one leaves the others their numbers."""
    taken = [answer("baseline", "take", "spring", "--source", place)["version"] for _ in range(3)]
    removed = run("baseline", "remove", "spring", "2")

    assert taken == [1, 2, 3]
    assert (removed.exit_code, removed.stdout) == (0, "spring 2: removed\n")
    assert [(each["name"], each["version"]) for each in answer("baseline", "list")["baselines"]] == [
        ("spring", 1),
        ("spring", 3),
    ]
    assert [line.split()[:2] for line in run("baseline", "list").stdout.splitlines()[1:]] == [
        ["spring", "1"],
        ["spring", "3"],
    ]


def test_what_is_in_one_is_shown(place: Path) -> None:
    """Every operation with n, median, extremes and spread of queries and time."""
    run("baseline", "take", "spring", "--source", place)

    lines = run("baseline", "show", "spring").stdout.splitlines()

    told = "".join("".join(lines).split())  # a long path goes over several lines
    assert told.startswith("".join(f"spring 1: 2 operation names, 43 operations, from {place}".split()))
    (row,) = [line.split() for line in lines if line.startswith("GET /books ")]
    assert row[2:7] == ["40", "26", "26", "26", "0"]


def test_comparing_with_one_is_as_compare_does(place: Path, tmp_path: Path) -> None:
    """`baseline compare NAME` and `compare --before baseline:NAME` say the same, and end alike."""
    run("baseline", "take", "spring", "--source", place)
    after = shop(tmp_path / "after", repeats=1, queries=2)
    words = ("--source", after, "--operation", "GET /books", "--json")

    one = run("baseline", "compare", "spring", *words)
    other = run("compare", "--before", "baseline:spring", *words)
    latest = run("compare", "--before", "baseline:spring@1", *words)

    told = json.loads(one.stdout)
    assert one.stdout == other.stdout == latest.stdout
    assert (told["queries_removed"], one.exit_code, other.exit_code) == (960, other.exit_code, one.exit_code)


def test_none_is_said(place: Path) -> None:
    """An empty list is a sentence on the terminal."""
    assert run("baseline", "list").stdout == "No baseline was taken.\n"


@pytest.mark.parametrize("words", [["show", "absent"], ["remove", "absent", "1"], ["take", "../out"]])
def test_what_is_not_there_or_no_name_is_refused(place: Path, words: list[str]) -> None:
    """Status 2 and one line; nothing is written outside the store."""
    done = run("baseline", *words, "--source", place)

    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"otel-verein baseline {words[0]}: ")


def test_a_report_names_the_baselines_there_are(place: Path) -> None:
    """Its JSON lists name, version and when it was taken."""
    run("baseline", "take", "spring", "--source", place)

    (only,) = answer("report", "--source", place)["baselines"]
    assert (only["name"], only["version"]) == ("spring", 1)
