"""``docs/reference/configuration.md``: what there is to set, and which value wins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import Field, fields
from typing import Any

from otel_verein.config import environment, files, rules, standard
from otel_verein.config.describe.words import (
    allowed,
    default_of,
    explained,
    marks,
    needs,
    off_of,
    presets_of,
)
from otel_verein.config.layers import PREFIX, variable_of
from otel_verein.config.options import is_required
from otel_verein.config.presets import ALIASES, DEVELOPMENT, ENVIRONMENTS, PRODUCTION
from otel_verein.config.schema import SECTIONS, option_fields
from otel_verein.config.validate import OPTIONS
from otel_verein.config.watch import TAKEN_OVER_WITHIN_S


def page() -> str:
    """The page in Markdown, ending with a line break."""
    lines = ["# Configuration", "", *_introduction(), "", *_files(), "", *_precedence(), "", *_environments()]
    lines += ["", *_rules(), "", *_dangers(), "", *_standard_variables()]
    for section, kind in SECTIONS.items():
        lines += ["", f"## `{section}`", "", explained(kind), ""]
        options = [option for owner, _, option in option_fields() if owner == section]
        lines += table(
            ("option", "variable", "default", "allowed", "meaning"), (_row(section, option) for option in options)
        )
        for option in options:
            lines += _entries(section, option)
    return "\n".join(lines) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table in Markdown."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in [head, ("---",) * len(head), *rows]]
    return ["| " + " | ".join(row) + " |" for row in cells]


def _introduction() -> list[str]:
    return [
        f"Options stand in `{files.DEFAULT_FILE}`, in sections.",
        "[A sample](verein.sample.yaml) has each of them with its explanation, commented out; "
        "`otel-verein config sample` prints it.",
        "[A JSON Schema](verein.schema.json) lets an editor complete and check the file; "
        "`otel-verein config schema` prints it.",
        "All problems of a configuration are reported at once, each with its line.",
    ]


def _files() -> list[str]:
    return [
        "## Which file",
        "",
        "The first that there is:",
        "",
        f"1. the file that `{files.FILE_VARIABLE}` names;",
        f"2. the node `{'.'.join(files.STANDARD_BASE)}` of the file that `{files.STANDARD_FILE_VARIABLE}` names, "
        "a declarative configuration of OpenTelemetry; `${NAME}` and `${NAME:-default}` are replaced in it;",
        f"3. `{files.DEFAULT_FILE}` in the working directory.",
        "",
        f"Beside it, `{files.DEFAULT_STATE}` holds the run-time override and the history of changes.",
        f"`{files.STATE_VARIABLE}` names another directory for them.",
    ]


def _precedence() -> list[str]:
    return [
        "## Which value wins",
        "",
        "Of these, the last that says something of an option:",
        "",
        "1. the default;",
        "2. what the [environment](#environments) presets;",
        "3. the file;",
        "4. the block `environments.<name>` of the file, of the environment that it is;",
        "5. a [standard variable](#standard-variables);",
        f"6. the variable `{PREFIX}<SECTION>_<OPTION>`;",
        "7. the run-time override.",
        "",
        "In a variable the texts of a list are comma separated.",
        "A list of entries is written there as in the file, such as `[{operation: GET /health, ratio: 0.01}]`.",
        "`otel-verein config show --why` says which value comes from where.",
        "",
        f"A process takes a changed file or override over within {TAKEN_OVER_WITHIN_S:g} seconds, "
        "for the operations that begin from then on.",
        "What the tables mark otherwise takes effect at the next start of a process.",
        "A change that is not valid is not taken over: the old values stay in force.",
    ]


def _environments() -> list[str]:
    words = {name: [alias for alias, meant in ALIASES.items() if meant == name] for name in ENVIRONMENTS}
    aliases = ", ".join(f"{' and '.join(map(_code, each))} for `{name}`" for name, each in words.items() if each)
    flags = ", ".join(f"`{variable}`" for variable in environment.DEBUG_VARIABLES)
    preset = [(f"{section}.{name}", option) for section, name, option in option_fields()]
    rows = [
        (_code(key), _code(default_of(key, option)), *(_code(default_of(key, option, name)) for name in ENVIRONMENTS))
        for key, option in preset
        if presets_of(key)
    ]
    return [
        "## Environments",
        "",
        f"An environment is one of {', '.join(map(_code, ENVIRONMENTS))}.",
        "It is the one that is named first:",
        "",
        f"1. by the variable `{environment.VARIABLE}`;",
        "2. by `environment:` in the file;",
        f"3. by `deployment.environment.name` in `{standard.RESOURCE}`, which may also be {aliases}; "
        "another word there is no error and presets nothing;",
        f"4. by a debug flag that is on, which makes it `{DEVELOPMENT}`: {flags} or `DEBUG` of the Django settings.",
        "",
        "Where none of these names one, the defaults hold.",
        "",
        *table(("option", "default", *ENVIRONMENTS), rows),
    ]


def _rules() -> Iterator[str]:
    yield from (
        "## Rules over several options",
        "",
        "They hold for the configuration as a whole, wherever each value comes from.",
        "",
    )
    for pairs, words in (
        (rules.BELOW, "is below"),
        (rules.AT_MOST, "is at most"),
        (rules.AT_MOST_IF_GIVEN, "is, where it is given, at most"),
    ):
        yield from (f"- `{lower}` {words} `{upper}`." for lower, upper in pairs)
    yield (
        "- The budgets of an entry of `thresholds.operations` keep the same order, "
        "with those of all operations for the ones that it leaves out."
    )
    yield (
        "- `retention.detail_d` is not shorter than `retention.aggregate_after_h`: "
        "detail would be deleted before it is added up."
    )


def _dangers() -> list[str]:
    rows = [
        (f"`{key}: {off_of(OPTIONS[key].metadata)}` in {PRODUCTION}", reason, _code(f"allow.{switch}"))
        for key, switch, reason in rules.DANGEROUS_IN_PRODUCTION
    ]
    rows += [
        (f"`{section}.{name}` above {safe}", "a process can run out of memory", "`allow.large_memory`")
        for section, name, option in option_fields()
        if (safe := option.metadata["safe_at_most"]) is not None
    ]
    return [
        "## Dangerous settings",
        "",
        "They are refused with the reason, unless the switch is on that says they are meant.",
        "",
        *table(("setting", "why it is refused", "switch"), rows),
    ]


def _standard_variables() -> list[str]:
    ratio, parents = "`sampling.ratio`", "`sampling.remote_parents`"
    rows = [
        (
            _code(standard.SAMPLER),
            f"{ratio}, {parents}",
            "`always_on`, `always_off` and `traceidratio` are the ratio, and callers are ignored; "
            "with `parentbased_` before the name they are followed; other samplers are left aside",
        ),
        (_code(standard.SAMPLER_ARGUMENT), ratio, "the ratio of `traceidratio`; 1 where it is not given"),
        *((_code(name), _code(key), "in milliseconds") for name, key in standard.MILLISECONDS.items()),
        (_code(standard.RESOURCE), "`environment`", "`deployment.environment.name` in it names the environment"),
    ]
    return [
        "## Standard variables",
        "",
        "Variables of OpenTelemetry that say what an option says keep their meaning, and win over the file.",
        "",
        *table(("variable", "option", "how it is read"), rows),
    ]


def _row(section: str, option: Field[Any]) -> tuple[str, ...]:
    key, meta = f"{section}.{option.name}", option.metadata
    meaning = " ".join([meta["help"], *(f"*{mark.rstrip('.')}.*" for mark in marks(key, meta))])
    return (
        _code(option.name),
        _code(variable_of(key)),
        _code(default_of(key, option)),
        _allowed(meta),
        meaning,
    )


def _entries(section: str, option: Field[Any]) -> list[str]:
    """The keys of the entries of a list, under their own heading."""
    kind = option.metadata["entries"]
    if kind is None:
        return []
    lines = ["", f"### An entry of `{section}.{option.name}`", "", explained(kind)]
    lines += [f"It has {needs(kind)}.", ""]
    rows = [
        (
            _code(part.name),
            "needed" if is_required(part) else "",
            _allowed(part.metadata),
            part.metadata["help"],
            _code(part.metadata["example"]),
        )
        for part in fields(kind)
    ]
    return lines + table(("key", "", "allowed", "meaning", "example"), rows)


def _allowed(metadata: Any) -> str:
    unit = f"; unit `{metadata['unit']}`" if metadata["unit"] else ""
    return allowed(metadata) + unit


def _code(text: str) -> str:
    return f"`{text}`"
