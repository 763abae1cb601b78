"""Our node of a standard configuration file: its variables, its places, and a file that has none or cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from otel_verein.config import Config
from otel_verein.config.layers import Origin, Resolved, resolve
from otel_verein.config.schema import SamplingRule
from otel_verein.errors import ConfigError

STANDARD = """\
file_format: '1.0'
tracer_provider:
  processors: [{batch: {schedule_delay: 5000}}]
distribution:
  other: {enabled: true}
  verein:
    environment: ${SHOP_ENVIRONMENT:-staging}
    thresholds:
      queries: ${SHOP_QUERIES}
      duration_s: ${env:SHOP_DURATION:-1.5}
    sampling:
      operations:
        - {operation: 'GET /${SHOP_NAME}/$${id}', ratio: '${SHOP_NO_SUCH:-0.5}'}
    environments:
      staging:
        export: {directory: "/var/$$HOME/${SHOP_NAME:-none}-x"}
"""
NODE = "distribution:\n  verein:\n"
SHOP = {"SHOP_QUERIES": "33", "SHOP_NAME": "shop"}


def standard(directory: Path, environ: dict[str, str], text: str = STANDARD) -> Resolved:
    """What a standard file with this text makes of the configuration."""
    (directory / "otel.yaml").write_text(text)
    return resolve({"OTEL_CONFIG_FILE": "otel.yaml", **environ}, directory)


def refused(directory: Path, environ: dict[str, str], text: str) -> list[str]:
    """The problems of a standard file that is not taken, without its path."""
    with pytest.raises(ConfigError) as raised:
        standard(directory, environ, text)
    return [str(problem).replace(str(directory / "otel.yaml"), "otel.yaml") for problem in raised.value.problems]


def test_our_node_of_a_standard_file_is_a_configuration(tmp_path: Path) -> None:
    """All that ``verein.yaml`` may say, with the standard's variables in values; defaults, escapes and types."""
    found = standard(tmp_path, SHOP)

    config = found.config
    assert ("staging", 33, 1.5) == (found.environment.name, config.thresholds.queries, config.thresholds.duration_s)
    assert (SamplingRule("GET /shop/${id}", 0.5),) == config.sampling.operations
    assert config.export.directory == "/var/$HOME/shop-x"


def test_places_in_a_standard_file_are_its_own(tmp_path: Path) -> None:
    """Lines are those of the file, and keys stand with the way to our node."""
    text = STANDARD.replace("duration_s:", "duraton_s:")
    what = "distribution.verein.thresholds.duraton_s: unknown key; did you mean 'duration_s'?"

    assert [f"otel.yaml:10: {what}"] == refused(tmp_path, SHOP, text)
    where = standard(tmp_path, SHOP).origins["thresholds.queries"][0]
    assert where == Origin("file", f"{tmp_path / 'otel.yaml'}:9", 33)


@pytest.mark.parametrize(
    ("given", "text", "expected"),
    [
        ("${X}", "7", 7),
        ("${env:X}", "7", 7),
        ("${X:-8}", "7", 7),
        ("${X:-8}", "", 8),
        ("${X:-8}", None, 8),
        ("1${X}", "7", 17),
        ("${X}${X}", "7", 77),
        ("${_x9:-5}", None, 5),
        ("'${X}'", "7", 7),
    ],
)
def test_variables_in_values(given: str, text: str | None, expected: int, tmp_path: Path) -> None:
    """A value is what it reads once its variables are in; a default stands where one is empty or not set."""
    environ = {} if text is None else {"X": text}

    found = standard(tmp_path, environ, NODE + f"    thresholds:\n      queries: {given}\n")

    assert expected == found.config.thresholds.queries


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("${X}", "has no value; leave the key out to have the default"),
        ("$X", "'$X' is not a whole number"),
        ("${9X}", "'${9X}' is not a whole number"),
        ("$${X}", "'${X}' is not a whole number"),
        ("${X:-lots}", "'lots' is not a whole number"),
        ("${Y}", "'${X}' is not a whole number"),
        ("${Z}", "'7\\nqueries: 8' is not a whole number"),
    ],
)
def test_what_is_no_number_after_that_is_told(given: str, shown: str, tmp_path: Path) -> None:
    """What is put in is not read again: neither as variables nor as YAML."""
    environ = {"Y": "${X}", "Z": "7\nqueries: 8"}
    text = NODE + f"    thresholds:\n      queries: {given!r}\n"

    key = "distribution.verein.thresholds.queries"
    assert [f"otel.yaml:4: {key}: {shown}"] == refused(tmp_path, environ, text)


def test_keys_have_no_variables(tmp_path: Path) -> None:
    """As the standard has it: only values are replaced."""
    text = "distribution: {verein: {'${S}': {queries: 7}}}\n"

    assert ["otel.yaml:1: distribution.verein.${S}: unknown key; see docs/reference/configuration.md"] == refused(
        tmp_path, {"S": "thresholds"}, text
    )


def test_our_own_file_has_no_variables(tmp_path: Path) -> None:
    """The silent twin: in ``verein.yaml`` a dollar is a dollar."""
    (tmp_path / "verein.yaml").write_text("export: {directory: '${HOME}/$$'}\n")

    assert resolve({"HOME": "/x"}, tmp_path).config.export.directory == "${HOME}/$$"


@pytest.mark.parametrize(
    "text",
    ["", "file_format: '1.0'\n", "distribution:\n", "distribution: {other: {}}\n", "distribution: [verein]\n", "a\n"],
    ids=["empty", "no distribution", "empty distribution", "only another's", "a list", "no mapping"],
)
def test_a_standard_file_without_our_node_leaves_ours(text: str, tmp_path: Path) -> None:
    """Then ``verein.yaml`` counts, and the state is beside that."""
    (tmp_path / "verein.yaml").write_text("thresholds: {queries: 44}\n")

    found = standard(tmp_path, {}, text)

    assert (44, tmp_path / "verein.yaml", ()) == (found.config.thresholds.queries, found.files.file, found.files.base)


@pytest.mark.parametrize("node", ["{}", "", "null"])
def test_an_empty_node_is_a_configuration(node: str, tmp_path: Path) -> None:
    """The node is there and presets nothing, so ``verein.yaml`` does not count."""
    (tmp_path / "verein.yaml").write_text("thresholds: {queries: 44}\n")

    found = standard(tmp_path, {}, f"distribution:\n  verein: {node}\n")

    assert (Config(), tmp_path / "otel.yaml") == (found.config, found.files.file)


def test_our_variable_wins_over_the_standard_one(tmp_path: Path) -> None:
    """With ``VEREIN_CONFIG`` the standard file is not even read, whatever is in it."""
    (tmp_path / "ours.yaml").write_text("thresholds: {queries: 44}\n")

    found = standard(tmp_path, {"VEREIN_CONFIG": "ours.yaml"}, "a: [")

    assert (44, tmp_path / "ours.yaml") == (found.config.thresholds.queries, found.files.file)


def test_a_standard_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A variable names it, so it has to be there; ``verein.yaml`` does not stand in for it."""
    (tmp_path / "verein.yaml").write_text("thresholds: {queries: 44}\n")

    with pytest.raises(ConfigError) as raised:
        resolve({"OTEL_CONFIG_FILE": "none.yaml"}, tmp_path)

    assert str(raised.value) == f"{tmp_path / 'none.yaml'}: cannot be read: No such file or directory"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("distribution: !ours {verein: {}}\n", "otel.yaml:1: distribution: tags such as !ours are not read; write the "
                                               "plain value"),
        ("distribution: {verein: {sampling: {ratio: 1, ratio: 0}}}\n",
         "otel.yaml:1: distribution.verein.sampling.ratio: is given twice; the first is in line 1"),
        ("distribution: {verein: [a]}\n", "otel.yaml:1: must be a mapping of sections, such as `thresholds:`"),
    ],
    ids=["above our node", "in our node", "no mapping"],
)  # fmt: skip
def test_what_may_hide_our_node_is_told(text: str, expected: str, tmp_path: Path) -> None:
    """A mistake in the file, above our node or in it, is not taken for a file that has nothing for us."""
    (tmp_path / "verein.yaml").write_text("thresholds: {queries: 44}\n")

    assert [expected] == refused(tmp_path, {}, text)


def test_a_standard_file_that_is_no_yaml_is_told(tmp_path: Path) -> None:
    """Nobody knows what it would say, so it is not passed over for ``verein.yaml``."""
    (tmp_path / "verein.yaml").write_text("thresholds: {queries: 44}\n")

    (problem,) = refused(tmp_path, {}, "tracer_provider: [\n")

    assert problem.startswith("otel.yaml:2: is not valid YAML: ")


@pytest.mark.parametrize(
    "elsewhere",
    ["tracer_provider: !theirs {}\n", "a: &a {b: 1}\nc: {<<: *a}\n", "x: {y: 1, y: 2}\n", "distribution_x: !t 1\n"],
    ids=["tag", "merge key", "given twice", "like ours"],
)
@pytest.mark.parametrize(
    ("node", "expected"), [("distribution: {verein: {thresholds: {queries: 33}}}\n", 33), ("", 44)]
)
def test_the_rest_of_a_standard_file_is_for_others(elsewhere: str, node: str, expected: int, tmp_path: Path) -> None:
    """The silent twin: what we do not read elsewhere in it is no mistake of ours, with our node or without."""
    (tmp_path / "verein.yaml").write_text("thresholds: {queries: 44}\n")

    assert expected == standard(tmp_path, {}, elsewhere + node).config.thresholds.queries
