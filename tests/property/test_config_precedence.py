"""Precedence: whichever layers speak of an option, the strongest of them is in force, and all of them are told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_verein.config.layers import Origin, Resolved, resolve, values_of
from otel_verein.config.presets import ENVIRONMENTS, PRESETS
from otel_verein.config.validate import OPTIONS
from tests.unit.valid_options import as_text, as_yaml, in_force, valid_values, variable

MILLISECONDS = {
    "export.interval_s": "OTEL_BSP_SCHEDULE_DELAY",
    "export.metrics_interval_s": "OTEL_METRIC_EXPORT_INTERVAL",
}
PARENTS = {"follow": "parentbased_always_on", "ignore": "always_on"}
STANDARD = (*MILLISECONDS, "sampling.ratio", "sampling.remote_parents")

# Without these, what is dangerous in production could not be one of the values.
ALLOWED = {"VEREIN_ALLOW_MONITORING_OFF": "true", "VEREIN_ALLOW_UNBOUNDED_STORAGE": "true"}


@dataclass(frozen=True)
class Case:
    """An option, the environment, and by layer the value that it has there."""

    key: str
    environment: str
    given: dict[str, Any] = field(default_factory=dict)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any option, with any layers; their values differ as far as it has as many."""
    key = draw(st.sampled_from(STANDARD) | st.sampled_from(sorted(OPTIONS)))  # the few with all layers as often
    environment = draw(st.sampled_from(["", *ENVIRONMENTS]))
    layers = ["file", "variable", "override"]
    layers += ["block"] if environment else []
    layers += ["standard"] if key in STANDARD else []
    chosen = draw(st.lists(st.sampled_from(layers), unique=True))
    values = valid_values(key, environment)
    if len(values) == 1:
        values = [values[0], OPTIONS[key].default] * len(layers)
    if key in MILLISECONDS:
        values = [round(value, 3) for value in values]
    picked = draw(st.permutations(values))
    return Case(key, environment, dict(zip(chosen, picked, strict=False)))


def resolved(case: Case, directory: Path) -> tuple[Resolved, dict[str, Origin]]:
    """The configuration of *case*, and by layer what it has to say of the origin."""
    section, name = case.key.split(".")
    value = {layer: as_yaml(each) for layer, each in case.given.items()}
    lines = ["# ours"]
    origins: dict[str, Origin] = {}

    def write(layer: str, label: str, *above: str) -> None:
        depth = len(above)
        lines.extend(f"{'  ' * at}{each}:" for at, each in enumerate(above))
        lines.append(f"{'  ' * depth}{name}: {value[layer]}")
        origins[layer] = Origin(label, f"{directory / 'verein.yaml'}:{len(lines)}", case.given[layer])

    if "file" in value:
        write("file", "file", section)
    if "block" in value:
        write("block", "environment block", "environments", case.environment, section)
    (directory / "verein.yaml").write_text("\n".join(lines))
    override = directory / ".verein/config/override.yaml"
    override.parent.mkdir(parents=True, exist_ok=True)
    override.write_text(f"{section}:\n  {name}: {value['override']}\n" if "override" in value else "")
    if "override" in value:
        origins["override"] = Origin("override", f"{override}:2", case.given["override"])
    environ = variables(case, origins)
    return resolve(environ, directory), origins


def variables(case: Case, origins: dict[str, Origin]) -> dict[str, str]:
    """The variables of *case*; adds what they have to say of the origin."""
    environ = {} if case.key.startswith("allow.") else dict(ALLOWED)
    if case.environment:
        environ["VEREIN_ENVIRONMENT"] = case.environment
    if "variable" in case.given:
        name, text = variable(case.key), as_text(case.key, case.given["variable"])
        environ[name] = text
        # a list of entries is read as YAML, and has its value as it was read
        is_list = OPTIONS[case.key].metadata["entries"] is not None
        origins["variable"] = Origin("VEREIN variable", name, case.given["variable"] if is_list else text)
    if "standard" in case.given:
        name, extra, text = standard(case.key, case.given["standard"])
        environ |= extra
        origins["standard"] = Origin("OTEL variable", name, text)
    return environ


def standard(key: str, value: Any) -> tuple[str, dict[str, str], str]:
    """The standard variable that says *value* of *key*, all there is to set for it, and what it means there."""
    if key == "sampling.remote_parents":
        return "OTEL_TRACES_SAMPLER", {"OTEL_TRACES_SAMPLER": PARENTS[value]}, value
    if key == "sampling.ratio":
        extra = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": str(value)}
        return "OTEL_TRACES_SAMPLER_ARG", extra, str(value)
    return MILLISECONDS[key], {MILLISECONDS[key]: f"{value * 1000:.0f}"}, str(value)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples; each writes its files anew."""
    return tmp_path_factory.mktemp("precedence")


@given(case=cases())
@settings(deadline=None)
def test_the_strongest_layer_is_in_force_and_all_are_told(folder: Path, case: Case) -> None:
    """Default < preset < file < block of the environment < standard variable < VEREIN variable < override."""
    preset = PRESETS.get(case.environment, {})
    by_layer = {"default": OPTIONS[case.key].default}
    if case.key in preset:
        by_layer["preset"] = preset[case.key]
    by_layer |= {
        layer: in_force(case.key, case.given[layer])
        for layer in ("file", "block", "standard", "variable", "override")
        if layer in case.given
    }

    found, origins = resolved(case, folder)

    origins["default"] = Origin("default", "", OPTIONS[case.key].default)
    origins["preset"] = Origin("preset", case.environment, preset.get(case.key))
    weakest_first = list(by_layer)
    assert by_layer[weakest_first[-1]] == values_of(found.config)[case.key]
    assert [origins[layer] for layer in reversed(weakest_first)] == list(found.origins[case.key])


@given(case=cases())
@settings(deadline=None, max_examples=30)
def test_an_option_leaves_all_others_alone(folder: Path, case: Case) -> None:
    """The layers of one option change that option; a standard sampler alone says two things."""
    quiet, _ = resolved(Case(case.key, case.environment), folder)

    found, _ = resolved(case, folder)

    its_own = {case.key} | ({"sampling.ratio", "sampling.remote_parents"} if "standard" in case.given else set())
    before, after = values_of(quiet.config), values_of(found.config)
    assert set() == {key for key in after if after[key] != before[key]} - its_own
