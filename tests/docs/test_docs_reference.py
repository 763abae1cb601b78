"""docs/reference says what the code says."""

from __future__ import annotations

import importlib.util
import shutil
from types import ModuleType

import click
import pytest

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


def test_changed_page_is_stale(generator: ModuleType, tmp_path) -> None:
    """One altered default in one page is found, and shown as a difference of that page only."""
    for page in generator.PAGES:
        shutil.copy(generator.REFERENCE / page, tmp_path)
    changed = tmp_path / "configuration.md"
    changed.write_text(changed.read_text().replace("| `50` |", "| `51` |", 1))

    stale = generator.stale(tmp_path)

    assert list(stale) == ["configuration.md"]
    assert "`51`" in stale["configuration.md"]


def test_missing_page_is_stale(generator: ModuleType, tmp_path) -> None:
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


def _commands(generator: ModuleType) -> list[tuple[str, click.Command]]:
    from otel_verein.cli.main import main

    context = click.Context(main)
    below = {f"otel-verein {name}": main.get_command(context, name) for name in main.list_commands(context)}
    return [("otel-verein", main), *((path, command) for path, command in below.items() if command)]
