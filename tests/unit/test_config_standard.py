"""Standard ``OTEL_*`` variables: what they mean for us, or that they are left aside."""

from __future__ import annotations

from pathlib import Path

import pytest

from otel_verein.config import Config
from otel_verein.config.layers import Origin, resolve
from otel_verein.errors import Problem

SAMPLER = "OTEL_TRACES_SAMPLER"
ARGUMENT = "OTEL_TRACES_SAMPLER_ARG"


def sampled(environ: dict[str, str], directory: Path) -> tuple[float, str, list[str]]:
    """The ratio and what is done with remote parents, and all notes."""
    found = resolve(environ, directory)
    return found.config.sampling.ratio, found.config.sampling.remote_parents, list(map(str, found.notes))


@pytest.mark.parametrize(
    ("sampler", "argument", "expected"),
    [
        ("always_on", None, (1.0, "ignore")),
        ("always_off", None, (0.0, "ignore")),
        ("traceidratio", "0.25", (0.25, "ignore")),
        ("traceidratio", None, (1.0, "ignore")),
        ("traceidratio", " ", (1.0, "ignore")),
        ("parentbased_always_on", None, (1.0, "follow")),
        ("parentbased_always_off", "0.5", (0.0, "follow")),
        ("parentbased_traceidratio", " 1e-3 ", (0.001, "follow")),
        ("parentbased_traceidratio", "0", (0.0, "follow")),
        (" Parentbased_AlwaysOn ".replace("AlwaysOn", "ALWAYS_ON"), None, (1.0, "follow")),
        ("", "0.25", (0.1, "follow")),
        (None, "0.25", (0.1, "follow")),
    ],
)
def test_standard_samplers_keep_their_meaning(
    sampler: str | None, argument: str | None, expected: tuple[float, str], tmp_path: Path
) -> None:
    """Ratio and parents by the sampler's name; an argument alone, or to a sampler that has none, says nothing."""
    given = {SAMPLER: sampler, ARGUMENT: argument}

    found = sampled({name: text for name, text in given.items() if text is not None}, tmp_path)

    assert (*expected, []) == found


@pytest.mark.parametrize("argument", ["1.01", "-0.1", "half", "nan", "inf", "0,5"])
def test_a_ratio_that_is_none_is_a_note(argument: str, tmp_path: Path) -> None:
    """A variable of the standard never keeps a process from its configuration; the sampler is left aside whole."""
    note = f"{ARGUMENT}: '{argument}' is no number from 0 to 1; {SAMPLER} is left aside"

    assert (0.1, "follow", [note]) == sampled({SAMPLER: "traceidratio", ARGUMENT: argument}, tmp_path)


@pytest.mark.parametrize(
    "sampler", ["jaeger_remote", "parentbased_jaeger_remote", "xray", "parentbased_", "traceidratio2"]
)
def test_a_sampler_that_we_cannot_stand_for_is_a_note(sampler: str, tmp_path: Path) -> None:
    """Samplers of others and names that are none."""
    note = f"{SAMPLER}: '{sampler}' is no sampler that otel-verein can stand for; it is left aside"

    assert (0.1, "follow", [note]) == sampled({SAMPLER: sampler}, tmp_path)


MILLISECONDS = [
    ("OTEL_BSP_SCHEDULE_DELAY", "interval_s", 60_000),
    ("OTEL_METRIC_EXPORT_INTERVAL", "metrics_interval_s", 3_600_000),
]


@pytest.mark.parametrize(("name", "option", "most"), MILLISECONDS)
def test_intervals_are_milliseconds(name: str, option: str, most: int, tmp_path: Path) -> None:
    """The standard's unit becomes ours to the millisecond, up to the bound of the option."""
    for given in (1, 1500, 59_999, most - 1, most):
        found = resolve({name: f" {given} "}, tmp_path)

        assert (given / 1000, ()) == (getattr(found.config.export, option), found.notes)


@pytest.mark.parametrize(("name", "option", "most"), MILLISECONDS)
def test_an_interval_that_cannot_be_is_a_note(name: str, option: str, most: int, tmp_path: Path) -> None:
    """Past the bounds of the option, no number, or not a whole one: left aside, never a failure."""
    for given in (str(most + 1), "-1", "1.5", "5s", "9" * 5000, "\u0665x"):
        found = resolve({name: given}, tmp_path)

        note = Problem(name, f"{given[:40]!r} is no usable number of milliseconds; it is left aside")
        assert ((note,), Config()) == (found.notes, found.config)


def test_an_interval_of_nothing(tmp_path: Path) -> None:
    """Metrics may go out with every turn; traces cannot be sent without a pause."""
    found = resolve({"OTEL_METRIC_EXPORT_INTERVAL": "0", "OTEL_BSP_SCHEDULE_DELAY": "0"}, tmp_path)

    assert (0.0, 0.5) == (found.config.export.metrics_interval_s, found.config.export.interval_s)
    assert [note.where for note in found.notes] == ["OTEL_BSP_SCHEDULE_DELAY"]


def test_ours_goes_over_the_standard_variable_and_that_over_the_file(tmp_path: Path) -> None:
    """The layer of standard variables, with the variable that is to be changed as the place."""
    (tmp_path / "verein.yaml").write_text("sampling: {ratio: 0.5, remote_parents: follow}\n")

    found = resolve({SAMPLER: "traceidratio", ARGUMENT: "0.25", "VEREIN_SAMPLING_RATIO": "0.75"}, tmp_path)

    assert (0.75, "ignore") == (found.config.sampling.ratio, found.config.sampling.remote_parents)
    assert found.origins["sampling.ratio"][1] == Origin("OTEL variable", ARGUMENT, "0.25")
    assert found.origins["sampling.remote_parents"][0] == Origin("OTEL variable", SAMPLER, "ignore")
