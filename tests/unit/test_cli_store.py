"""The commands on a store that is there: what they print, refuse, and leave on the disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from otel_verein.cli.main import main
from otel_verein.store import lock
from otel_verein.store.layout import Store
from tests.unit.store_small import segment_of, small_store


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and no variable of ours."""
    for name in [name for name in os.environ if name.startswith(("VEREIN_", "OTEL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def store(here: Path) -> Store:
    """A store where the configuration has it by default."""
    return small_store(here / ".verein")


def run(*words: str, **environ: str) -> Result:
    """What such a command line does."""
    return CliRunner().invoke(main, ["store", *words], env=environ)


def printed(*words: str, **environ: str) -> str:
    """What a command prints that ends well."""
    done = run(*words, **environ)
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout


def refused(*words: str, **environ: str) -> list[str]:
    """What such a command line is refused for."""
    done = run(*words, **environ)
    assert (done.exit_code, done.stdout) == (2, "")
    return done.stderr.splitlines()


COMMANDS = ["verify", "status", "retention --dry-run", "backup store.tar"]


@pytest.mark.parametrize("command", COMMANDS)
def test_without_a_store_it_is_told_how_to_make_one(command: str) -> None:
    """Commands that only look make none."""
    name = command.split()[0]

    assert refused(*command.split()) == [
        f"otel-verein store {name}: .verein: there is no store here; `otel-verein store ingest` makes one"
    ]


ABSENT = [
    *(("ingest", package) for package in ("duckdb", "pyarrow", "msgspec")),
    *((command, "msgspec") for command in ("run", "watch")),
    *((command, "duckdb") for command in ("rollup", "compact", "verify")),
]


@pytest.mark.parametrize(("command", "package"), ABSENT)
def test_a_missing_package_names_the_extra(command: str, package: str, here: Path) -> None:
    """Whichever of the three it is; nothing is written then."""
    code = f"import sys; sys.modules[{package!r}] = None; sys.argv = ['otel-verein', 'store', {command!r}]\n"

    done = subprocess.run(
        [sys.executable, "-c", code + "from otel_verein.cli.main import main; main()"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    said = f"the store needs {package}, which is not installed: pip install 'otel-verein[store]'"
    assert (2, "", [f"otel-verein store {command}: {said}"]) == (
        done.returncode,
        done.stdout,
        done.stderr.splitlines(),
    )
    assert [] == list(here.iterdir())


def test_verify_says_what_it_has_looked_at(store: Store) -> None:
    """A store in which nothing is wrong: one line, and success."""
    text = printed("verify")

    assert text.startswith("every row is accounted for: ")
    assert len(text.splitlines()) == 1
    assert json.loads(printed("verify", "--json"))["sound"] is True


def test_verify_fails_when_a_file_is_gone(store: Store) -> None:
    """The exit status is 1; the file, what was expected and the cure are told, also as JSON."""
    gone = store.files()[0]
    store.path(gone).unlink()

    done, as_json = run("verify"), run("verify", "--json")

    assert (done.exit_code, as_json.exit_code, done.stderr) == (1, 1, "")
    assert done.stdout.splitlines()[0] == f"{gone}: file missing: expected a file, found none; restore it from a backup"
    assert done.stdout.splitlines()[-1].startswith("1 problem: ")
    assert [each["where"] for each in json.loads(as_json.stdout)["problems"]] == [gone]


def test_a_busy_store_says_who_writes(store: Store, here: Path) -> None:
    """Who it is, since when, and how to wait; nothing is waited for by itself."""
    with lock.held(store, "compact"):
        (line,) = refused("rollup")

    assert line.startswith(
        f"otel-verein store rollup: .verein: compact of process {os.getpid()} is writing to it since "
    )
    assert line.endswith(" UTC; wait for it with --wait SECONDS")


def test_backup_and_restore_make_the_same_store(store: Store, here: Path) -> None:
    """In one file, which is not overwritten, and to a place where nothing is, which is verified."""
    segment_of(store).unlink()  # a store that has moved does not find the files it came from

    first = printed("backup", "store.tar")
    again = refused("backup", "store.tar")
    restored = run("restore", "store.tar", "--to", "copy")
    taken = refused("restore", "store.tar", "--to", "copy")

    assert first.startswith("store.tar: ")
    assert again == [
        "otel-verein store backup: store.tar: is already there, and a backup overwrites nothing; name another file"
    ]
    assert restored.stdout.startswith("copy: ")
    assert len(taken) == 1
    assert sorted(store.files()) == sorted(Store(here / "copy").files())


def test_retention_without_its_capability_is_refused(store: Store) -> None:
    """Nothing is added up or deleted then, and it is not passed over in silence."""
    off = {"VEREIN_CAPABILITIES_RETENTION": "false"}

    assert [["otel-verein store rollup: capabilities.retention is off, so nothing is added up or deleted"]] == [
        refused("rollup", **off)
    ]
    assert refused("retention", **off) == refused("retention", "--dry-run", **off)


def test_a_source_that_is_not_there_is_told() -> None:
    """One that is named; the places of the configuration need not be there yet."""
    assert refused("ingest", "--from", "nowhere") == [
        "otel-verein store ingest: nowhere: is not there, so there is nothing to take from it"
    ]


def test_a_configuration_that_is_wrong_is_told_with_its_line(here: Path) -> None:
    """Before anything is read or written."""
    (here / "verein.yaml").write_text("store:\n  threads: 0\n")

    for command in ("ingest", "run", "watch", "status"):
        assert refused(command) == [f"otel-verein store {command}: verein.yaml:2: store.threads: 0 must be at least 1"]
