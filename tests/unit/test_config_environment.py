"""Which environment a process runs in, what that presets, and how a name that is none is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from otel_verein.config import load
from otel_verein.config.environment import Environment
from otel_verein.config.layers import resolve, values_of
from otel_verein.config.presets import ALIASES, ENVIRONMENTS, PRESETS
from otel_verein.config.schema import Config
from otel_verein.errors import ConfigError, Problem

ATTRIBUTE = "deployment.environment.name"


def detected(environ: dict[str, str], directory: Path, file: str | None = None) -> Environment:
    """The environment of a process with these variables and, if one is given, this file."""
    if file is not None:
        (directory / "verein.yaml").write_text(file)
    return resolve(environ, directory).environment


def refused(environ: dict[str, str], directory: Path) -> str:
    """What is said about a configuration that is not taken."""
    with pytest.raises(ConfigError) as raised:
        load(environ, directory)
    return str(raised.value)


SOURCES = (
    ("VEREIN_ENVIRONMENT", {"VEREIN_ENVIRONMENT": "production"}, None),
    ("{file}:1", {}, "environment: staging"),
    (ATTRIBUTE, {"OTEL_RESOURCE_ATTRIBUTES": f"{ATTRIBUTE}=production"}, None),
    ("FLASK_DEBUG", {"FLASK_DEBUG": "1"}, None),
    ("DJANGO_DEBUG", {"DJANGO_DEBUG": "True"}, None),
    ("nothing names it", {}, None),
)
"""What says it, the strongest first, and how it does."""

NAMES = ("production", "staging", "production", "development", "development", "")


@pytest.mark.parametrize("first", range(len(SOURCES)), ids=[by for by, _, _ in SOURCES])
def test_the_strongest_source_names_it(first: int, tmp_path: Path) -> None:
    """Each source holds against all that are weaker, and says by what the environment is known."""
    environ: dict[str, str] = {}
    file = None
    for _, more, text in SOURCES[first:]:
        environ |= {name: value for name, value in more.items() if name not in environ}
        file = file or text

    found = detected(environ, tmp_path, file)

    by = SOURCES[first][0].format(file=tmp_path / "verein.yaml")
    assert Environment(NAMES[first], by) == found


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"VEREIN_ENVIRONMENT": "  "}, ""),
        ({"VEREIN_ENVIRONMENT": " staging "}, "staging"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=shop"}, ""),
        ({"OTEL_RESOURCE_ATTRIBUTES": f"service.name=shop, {ATTRIBUTE} = staging ,a=b"}, "staging"),
        ({"OTEL_RESOURCE_ATTRIBUTES": f"{ATTRIBUTE}=%73taging"}, "staging"),
        ({"OTEL_RESOURCE_ATTRIBUTES": f"{ATTRIBUTE}="}, ""),
        ({"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=staging"}, "staging"),
        ({"OTEL_RESOURCE_ATTRIBUTES": f"deployment.environment=staging,{ATTRIBUTE}=production"}, "production"),
        ({"OTEL_RESOURCE_ATTRIBUTES": f"{ATTRIBUTE}=PRODUCTION"}, "production"),
        ({"FLASK_DEBUG": "0"}, ""),
        ({"FLASK_DEBUG": "false", "DJANGO_DEBUG": "on"}, "development"),
        ({"DJANGO_DEBUG": "2"}, ""),
    ],
)
def test_how_variables_are_read(environ: dict[str, str], expected: str, tmp_path: Path) -> None:
    """Space and emptiness, escapes of the attributes, the name that the attribute had before, flags that are off."""
    assert expected == detected(environ, tmp_path).name


@pytest.mark.parametrize(("word", "expected"), ALIASES.items(), ids=ALIASES)
def test_the_attribute_has_other_words(word: str, expected: str, tmp_path: Path) -> None:
    """``prod`` and the like are understood where others chose the word, in any case."""
    environ = {"OTEL_RESOURCE_ATTRIBUTES": f"{ATTRIBUTE}={word.title()}"}

    assert expected == detected(environ, tmp_path).name


@pytest.mark.parametrize("word", ["prod", "Production", "live", "qa"])
def test_elsewhere_names_are_written_out(word: str, tmp_path: Path) -> None:
    """The silent twin: in our variable and our file only the three names are names; all else is an error."""
    names = "development, staging, production"
    (tmp_path / "verein.yaml").write_text(f"# ours\nenvironment: {word}\n")

    hint = "; did you mean 'production'?" if word != "qa" else ""
    assert f"{tmp_path / 'verein.yaml'}:2: environment: '{word}' must be one of {names}{hint}" == refused({}, tmp_path)
    given = {"VEREIN_ENVIRONMENT": word}
    assert f"VEREIN_ENVIRONMENT: environment: '{word}' must be one of {names}{hint}" == refused(given, tmp_path)


@pytest.mark.parametrize(
    ("text", "shown"), [("", "null"), ("[staging]", "['staging']"), ("true", "true"), ("{a: 1}", "{'a': 1}")]
)
def test_an_environment_is_a_word(text: str, shown: str, tmp_path: Path) -> None:
    """Anything else than a name in the file is told as it stands."""
    (tmp_path / "verein.yaml").write_text(f"environment: {text}\n")

    what = f"environment: {shown} must be one of development, staging, production"
    assert f"{tmp_path / 'verein.yaml'}:1: {what}" == refused({}, tmp_path)


def test_an_unknown_word_of_the_attribute_is_a_note(tmp_path: Path) -> None:
    """The attribute is not ours, so another word is no error; it presets nothing, and debug flags do not matter."""
    found = resolve({"OTEL_RESOURCE_ATTRIBUTES": f"{ATTRIBUTE}=qa", "FLASK_DEBUG": "1"}, tmp_path)

    note = Problem(ATTRIBUTE, "'qa' is none of development, staging, production: nothing is preset")
    assert ((note,), Config()) == (found.notes, found.config)


def test_a_known_word_makes_no_note(tmp_path: Path) -> None:
    """The silent twin."""
    assert resolve({"OTEL_RESOURCE_ATTRIBUTES": f"{ATTRIBUTE}=prod"}, tmp_path).notes == ()


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_presets_are_valid_by_themselves(name: str, tmp_path: Path) -> None:
    """An environment alone is a configuration, with its presets in force and nothing else changed."""
    found = values_of(load({"VEREIN_ENVIRONMENT": name}, tmp_path))

    assert values_of(Config()) | dict(PRESETS[name]) == found


def test_budgets_grow_stricter_towards_production(tmp_path: Path) -> None:
    """Every budget of development is at least that of staging, and that at least production's; more is kept."""
    lenient, moderate, strict = (PRESETS[name] for name in ENVIRONMENTS)

    assert lenient.keys() == moderate.keys() == strict.keys()
    for key in lenient.keys() - {"sampling.ratio"}:
        assert lenient[key] >= moderate[key] >= strict[key], key
    assert (0.1, 0.5, 1.0) == tuple(preset["sampling.ratio"] for preset in (lenient, moderate, strict))


BLOCKS = """\
thresholds: {queries: 40}
environments:
  staging:
    thresholds: {queries: 30}
  production:
    thresholds: {queries: 5}
  development:
"""


@pytest.mark.parametrize(
    ("environment", "expected"), [("", 40), ("development", 40), ("staging", 30), ("production", 5)]
)
def test_only_the_block_of_the_environment_counts(environment: str, expected: int, tmp_path: Path) -> None:
    """A block goes over the rest of the file in its environment, and says nothing in another."""
    (tmp_path / "verein.yaml").write_text(BLOCKS)

    assert expected == load({"VEREIN_ENVIRONMENT": environment}, tmp_path).thresholds.queries


@pytest.mark.parametrize("environment", ["", *ENVIRONMENTS])
def test_a_mistake_in_any_block_is_found_everywhere(environment: str, tmp_path: Path) -> None:
    """A typo for production does not wait for production: each is told once, in whatever environment."""
    (tmp_path / "verein.yaml").write_text(
        "environments:\n"
        "  production:\n"
        "    thresholds:\n"
        "      querys: 5\n"
        "      duration_s: 0\n"
        "  prodution:\n"
        "    thresholds: {}\n"
        "  staging: [a]\n"
    )

    file, start = tmp_path / "verein.yaml", "environments.prod"
    assert {
        f"{file}:4: {start}uction.thresholds.querys: unknown key; did you mean 'queries'?",
        f"{file}:5: {start}uction.thresholds.duration_s: 0 must be above 0",
        f"{file}:6: {start}ution: must be one of development, staging, production; did you mean 'production'?",
        f"{file}:8: environments.staging: must be a mapping of sections",
    } == set(refused({"VEREIN_ENVIRONMENT": environment}, tmp_path).splitlines())


def test_environments_are_a_mapping(tmp_path: Path) -> None:
    """A list of them is told; no entry at all is none."""
    (tmp_path / "verein.yaml").write_text("environments: [staging]\n")
    what = "environments: must be a mapping of development, staging, production"
    assert f"{tmp_path / 'verein.yaml'}:1: {what}" == refused({}, tmp_path)

    (tmp_path / "verein.yaml").write_text("environments:\n")
    assert Config() == load({}, tmp_path)


def test_an_environment_may_be_asked_for(tmp_path: Path) -> None:
    """To see what would be in force elsewhere: instead of what is detected, problems of that included."""
    (tmp_path / "verein.yaml").write_text(BLOCKS)

    found = resolve({"VEREIN_ENVIRONMENT": "nowhere"}, tmp_path, environment="production")

    assert (5, Environment("production", "asked for")) == (found.config.thresholds.queries, found.environment)


DJANGO = """
import sys
from pathlib import Path
from django.conf import settings
from otel_verein.config.watch import Watch

watch = Watch({}, Path(sys.argv[1]))
before = watch.read().resolved.environment
settings.configure(DEBUG=DEBUG_HERE)
looks = [watch.look() for _ in range(2)]
print(tuple(before), [tuple(look.resolved.environment) for look in looks if look])
"""


@pytest.mark.parametrize(
    ("debug", "expected"),
    [("True", [("development", "DEBUG of the Django settings")]), ("False", []), ("'yes'", [])],
)
def test_debug_of_django_is_noticed_once_it_is_set_up(debug: str, expected: list[object], tmp_path: Path) -> None:
    """Settings that are not loaded yet are not loaded by us; when the application has done so, their flag counts."""
    pytest.importorskip("django")

    done = subprocess.run(
        [sys.executable, "-c", DJANGO.replace("DEBUG_HERE", debug), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert f"{('', 'nothing names it')} {expected}\n" == done.stdout, done.stderr


def test_settings_of_django_are_never_loaded_by_a_look(tmp_path: Path) -> None:
    """With Django imported and its settings not asked for, a look leaves them so."""
    pytest.importorskip("django")
    code = (
        "import os, django.conf; from pathlib import Path; from otel_verein.config import load\n"
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'no_such_settings'\n"
        f"print(repr(load(dict(os.environ), Path({str(tmp_path)!r})).environment), django.conf.settings.configured)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env={})

    assert done.stdout == "'' False\n", done.stderr
