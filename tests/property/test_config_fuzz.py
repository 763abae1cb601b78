"""Whatever stands in a file or variable: a configuration, or a ConfigError that reads well; nothing else, and soon."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from otel_verein.config import Config, load
from otel_verein.config.schema import option_fields
from otel_verein.errors import ConfigError
from tests.property.odd_documents import DOCUMENTS, EXAMPLES, HANG, YAMLISH, assert_reads_well

OPTION_NAMES = st.sampled_from(
    sorted({name for _, name, _ in option_fields()} | {"operation", "reason", "until", "statement"})
)
SECTION_NAMES = st.sampled_from(
    sorted({section for section, _, _ in option_fields()} | {"environment", "environments"})
)
ODD_VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
        st.sampled_from(["9" * 5000, 10**400, -1, 0, 1, 2, 0.5, 1e300, "on", "1", "x" * 3000, "\x1b[2J", "a\nb"]),
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | OPTION_NAMES, inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
ODD_KEYS = st.sampled_from(["", ".", "a.b", "<<", "\x1b[2J", "a\nb", "\u202ea", "k" * 3000]) | st.text(max_size=8)
SHAPED = st.dictionaries(
    SECTION_NAMES | ODD_KEYS,
    st.dictionaries(OPTION_NAMES | ODD_KEYS, ODD_VALUES, max_size=5) | ODD_VALUES,
    max_size=5,
)


def loaded(environ: dict[str, str], folder: Path) -> Config | ConfigError:
    """What there is to run with, or why not; anything else that is raised fails the test."""
    try:
        return load(environ, folder / "elsewhere")
    except ConfigError as refused:
        return refused


def assert_loads_or_is_refused(environ: dict[str, str], folder: Path) -> None:
    """There is a configuration, or a ConfigError with problems that read well."""
    found = loaded(environ, folder)

    if isinstance(found, ConfigError):
        assert found.problems
        assert_reads_well(found.problems)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples; each writes its file anew."""
    return tmp_path_factory.mktemp("fuzz")


def by_file(folder: Path, data: bytes) -> dict[str, str]:
    """As a file that is named."""
    (folder / "verein.yaml").write_bytes(data)
    return {"VEREIN_CONFIG": str(folder / "verein.yaml")}


def by_standard_file(folder: Path, data: bytes) -> dict[str, str]:
    """As our node of a standard declarative configuration."""
    indented = b"distribution:\n  verein:\n" + b"".join(b"    " + line for line in data.splitlines(keepends=True))
    (folder / "otel.yaml").write_bytes(indented)
    return {"OTEL_CONFIG_FILE": str(folder / "otel.yaml")}


def by_override(folder: Path, data: bytes) -> dict[str, str]:
    """As the run-time override."""
    (folder / "override.yaml").write_bytes(data)
    (folder / "empty.yaml").write_bytes(b"")
    return {"VEREIN_CONFIG": str(folder / "empty.yaml"), "VEREIN_CONFIG_STATE": str(folder)}


WAYS = (by_file, by_standard_file, by_override)


@pytest.mark.parametrize("examples", EXAMPLES)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_whatever_is_in_a_file_loads_or_is_refused(
    folder: Path, way: Callable[[Path, bytes], dict[str, str]], examples: int
) -> None:
    """Reading, checking and the rules over several options raise nothing but ConfigError."""

    @given(st.one_of(DOCUMENTS, SHAPED.map(lambda shape: json.dumps(shape).encode())))
    @settings(max_examples=examples, deadline=HANG)
    def check(data: bytes) -> None:
        assert_loads_or_is_refused(way(folder, data), folder)

    check()


VARIABLES = st.sampled_from([f"VEREIN_{section}_{name}".upper() for section, name, _ in option_fields()])
STANDARD = st.sampled_from(
    ["OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_BSP_SCHEDULE_DELAY",
     "OTEL_METRIC_EXPORT_INTERVAL", "VEREIN_ENVIRONMENT", "VEREIN_NO_SUCH_OPTION", "VEREIN_THRESHOLDS_QUERYS"]
)  # fmt: skip
ODD_TEXTS = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=[]), max_size=40),
    st.sampled_from(
        ["9" * 400, "9" * 5000, "-1", "nan", "inf", "1e999", " 1 ", "1_0", "\u0663", "true", "\udcff", "[", "{a: 1}"]
    ),
    YAMLISH.map(lambda text: text.replace("\0", "")),
)


@pytest.mark.parametrize("examples", EXAMPLES)
def test_whatever_is_in_variables_loads_or_is_refused(folder: Path, examples: int) -> None:
    """Variables are text of any kind, half pairs of the surrogates of undecodable bytes included."""

    @given(st.dictionaries(VARIABLES | STANDARD, ODD_TEXTS, max_size=6))
    @example({"VEREIN_THRESHOLDS_QUERIES": "9" * 400})
    @example({"VEREIN_IGNORE_RULES": "\udcff"})
    @example({"OTEL_BSP_SCHEDULE_DELAY": "9" * 5000})
    @settings(max_examples=examples, deadline=HANG)
    def check(environ: dict[str, str]) -> None:
        assert_loads_or_is_refused({**by_file(folder, b""), **environ}, folder)

    check()
