"""What the hand-written pages tell people to type, set and open is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from otel_verein.config import load
from otel_verein.config.validate import option_fields
from tests.docs.pages import ROOT, all_pages, code_blocks, hand_written, name, shell_lines

HAND_WRITTEN = [pytest.param(page, id=name(page)) for page in hand_written()]


@pytest.mark.parametrize("page", HAND_WRITTEN)
def test_make_targets_exist(page: Path) -> None:
    """Every `make TARGET` that a page names is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))

    named = {match[1] for line in shell_lines(page) if (match := re.match(r"make ([a-z]+)", line))}

    assert set() == named - targets


@pytest.mark.parametrize("page", HAND_WRITTEN)
def test_commands_and_their_options_exist(page: Path) -> None:
    """Every `otel-verein COMMAND --option` that a page names is understood by that command."""
    unknown = [line for line in shell_lines(page) if _command(line) and not _is_understood(_command(line))]

    assert unknown == []


@pytest.mark.parametrize(
    ("line", "understood"),
    [
        pytest.param("otel-verein report --json", True, id="known"),
        pytest.param("otel-verein run -- gunicorn --no-such-option", True, id="of-the-child"),
        pytest.param("otel-verein report --no-such-option", False, id="unknown-option"),
        pytest.param("otel-verein no-such-command", False, id="unknown-command"),
        pytest.param("otel-verein config set a.b 1 --reason x", True, id="known-in-group"),
        pytest.param("otel-verein config get a.b --reason x", False, id="unknown-option-in-group"),
        pytest.param("otel-verein config no-such-command", False, id="unknown-command-in-group"),
    ],
)
def test_the_check_of_commands_can_fail(line: str, understood: bool) -> None:
    """An unknown command or option is told from a known one; what follows `--` is the child's own."""
    assert understood is _is_understood(_command(line))


@pytest.mark.parametrize(
    "command", ["run", "report", "findings", "health", "compare", "trace", "serve", "store", "config"]
)
def test_every_command_is_shown_in_the_readme(command: str) -> None:
    """The README shows each command in use."""
    assert any(re.search(rf"otel-verein {command}\b", line) for line in shell_lines(ROOT / "README.md"))


@pytest.mark.parametrize("page", HAND_WRITTEN)
def test_variables_exist(page: Path) -> None:
    """Every VEREIN_* variable that a page names is read by something."""
    known = {f"VEREIN_{section}_{option}".upper() for section, option, _ in option_fields()}
    known |= {
        "VEREIN_CONFIG",
        "VEREIN_CONFIG_STATE",
        "VEREIN_ENVIRONMENT",
        "VEREIN_CACHE",
        "VEREIN_COLLECTOR",
        "VEREIN_REQUIRE_SERVICES",
        "VEREIN_FASTLANE",
        "VEREIN_COMMAND_OPERATION",
    }

    named = set(re.findall(r"\bVEREIN_[A-Z_]*[A-Z]\b", page.read_text(encoding="utf-8")))

    assert set() == named - known


@pytest.mark.parametrize("page", HAND_WRITTEN)
def test_configuration_examples_are_valid(page: Path, tmp_path: Path) -> None:
    """Every YAML block of a page is a verein.yaml that loads."""
    for block in code_blocks(page, "yaml"):
        (tmp_path / "verein.yaml").write_text(block)
        load({}, tmp_path)


@pytest.mark.parametrize("page", [pytest.param(page, id=name(page)) for page in all_pages()])
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page is a file or folder of the repository."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    targets = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]

    assert [target for target in targets if target and not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", HAND_WRITTEN)
def test_one_sentence_per_line(page: Path) -> None:
    """A line of prose ends with its sentence, so that a change of one sentence is a change of one line."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    text = re.sub(r"`[^`\n]*`", "x", text)

    assert [line for line in text.splitlines() if re.search(r"[a-zà-ü)][.!?] [A-Z]", line)] == []


def _command(line: str) -> list[str]:
    """The words of an `otel-verein` command line, without variables before it; empty for anything else."""
    words = shlex.split(line, comments=True)
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words.pop(0)
    return words[1:] if len(words) > 1 and words[0] == "otel-verein" else []


def _is_understood(words: list[str]) -> bool:
    from otel_verein.cli.main import main

    context = click.Context(main)
    if words[0].startswith("-"):
        return all(word in _options(main) for word in words)
    command = main.get_command(context, words[0])
    while isinstance(command, click.Group) and len(words) > 1 and not words[1].startswith("-"):
        words = words[1:]
        command = command.get_command(context, words[0])
    if command is None:
        return False
    own = words[1 : words.index("--")] if "--" in words else words[1:]
    given = [word.split("=")[0] for word in own if word.startswith("-")]
    return all(word in _options(command) for word in given)


def _options(command: click.Command) -> set[str]:
    # Not get_params(): click remembers the help option of the first context that asks for it.
    return {"-h", "--help"} | {opt for parameter in command.params for opt in parameter.opts}
