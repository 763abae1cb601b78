"""docs/reference says what the code says."""

from __future__ import annotations

import importlib.util
import re
import shutil
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import click
import pytest

from otel_verein.config.schema import option_fields
from tests.docs.pages import ROOT


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """The script as a module; it is not part of the package."""
    spec = importlib.util.spec_from_file_location("generate_reference", ROOT / "scripts/generate_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_reference_is_fresh(generator: ModuleType) -> None:
    """The checked-in pages are what the generator writes; `make docs` renews them."""
    assert generator.stale() == {}


@pytest.mark.parametrize(
    ("page", "old", "new"),
    [
        ("configuration.md", "| `50` |", "| `51` |"),
        ("verein.schema.json", '"default": 50,', '"default": 51,'),
        ("verein.sample.yaml", "  #queries: 50", "  #queries: 51"),
    ],
)
def test_changed_page_is_stale(generator: ModuleType, tmp_path: Path, page: str, old: str, new: str) -> None:
    """One altered default in one page is found, and shown as a difference of that page only."""
    for each in generator.PAGES:
        shutil.copy(generator.REFERENCE / each, tmp_path)
    changed = tmp_path / page
    changed.write_text(changed.read_text().replace(old, new, 1))

    stale = generator.stale(tmp_path)

    assert [page] == list(stale)
    assert new in stale[page]


def test_missing_page_is_stale(generator: ModuleType, tmp_path: Path) -> None:
    """A page that is not there at all is stale, too."""
    assert sorted(generator.PAGES) == sorted(generator.stale(tmp_path))


def test_every_command_option_has_help(generator: ModuleType) -> None:
    """The help of a command leaves no option unexplained."""
    silent = [
        f"{path} {parameter.opts[0]}"
        for path, command in _commands(generator)
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.help
    ]

    assert silent == []


def test_every_command_option_is_in_the_reference(generator: ModuleType) -> None:
    """Hidden options apart, each one stands in docs/reference/commands.md."""
    reference = (generator.REFERENCE / "commands.md").read_text(encoding="utf-8")
    sections = {part.split("`")[0]: part for part in reference.split("\n## `")}

    absent = [
        f"{path} {opt}"
        for path, command in _commands(generator)
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.hidden
        for opt in parameter.opts
        if opt not in sections[path]
    ]

    assert absent == []


def test_every_option_is_in_the_reference_with_its_variable(generator: ModuleType) -> None:
    """Each option of the configuration stands in a table, beside the variable that sets it."""
    reference = (generator.REFERENCE / "configuration.md").read_text(encoding="utf-8")

    absent = [
        f"{section}.{name}"
        for section, name, _ in option_fields()
        if f"| `{name}` | `VEREIN_{section.upper()}_{name.upper()}` |" not in reference
    ]

    assert absent == []


def test_every_key_of_an_entry_is_in_the_reference(generator: ModuleType) -> None:
    """Each list of entries has a table of the keys of an entry."""
    reference = (generator.REFERENCE / "configuration.md").read_text(encoding="utf-8")
    keys = {
        f"{section}.{name}": [part.name for part in fields(option.metadata["entries"])]
        for section, name, option in option_fields()
        if option.metadata["entries"] is not None
    }

    tables = {key: reference.split(f"### An entry of `{key}`")[1].split("\n#")[0] for key in keys}

    assert keys == {key: re.findall(r"^\| `(\w+)` \|", table, re.M) for key, table in tables.items()}


def test_presets_stand_side_by_side(generator: ModuleType) -> None:
    """The table of environments has, for all that one of them presets, the values that hold in each."""
    reference = (generator.REFERENCE / "configuration.md").read_text(encoding="utf-8")

    assert "| option | default | development | staging | production |" in reference
    assert "| `thresholds.queries` | `50` | `100` | `50` | `20` |" in reference


def _commands(generator: ModuleType) -> list[tuple[str, click.Command]]:
    """Every command with the words that call it, those below a group too."""
    from otel_verein.cli.main import main

    return [("otel-verein", main), *_below("otel-verein", main)]


def _below(path: str, group: click.Group) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is not None:
            yield f"{path} {name}", command
            if isinstance(command, click.Group):
                yield from _below(f"{path} {name}", command)
