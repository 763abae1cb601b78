"""Read the configuration: defaults, then ``verein.yaml``, then ``VEREIN_*`` variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from otel_verein.config.schema import Config
from otel_verein.config.validate import SECTIONS, Entry, check, option_fields
from otel_verein.errors import ConfigError, Problem

FILE_VARIABLE = "VEREIN_CONFIG"
DEFAULT_FILE = "verein.yaml"


def load(environ: Mapping[str, str], directory: Path | None = None) -> Config:
    """The configuration in force: defaults < file < ``VEREIN_<SECTION>_<NAME>`` variables.

    The file is the one that ``VEREIN_CONFIG`` names, else ``verein.yaml`` in *directory* (the working
    directory) if there is one. Raises :class:`ConfigError` with every problem found.
    """
    named = environ.get(FILE_VARIABLE)
    path = Path(named) if named else (directory or Path.cwd()) / DEFAULT_FILE
    entries: list[Entry] = []
    problems: list[Problem] = []
    if named or path.exists():
        file_entries, file_problems = read_file(path)
        entries += file_entries
        problems += file_problems
    entries += _from_environment(environ)
    values, wrong = check(entries)
    problems += wrong
    if problems:
        raise ConfigError(problems)
    return Config(**{section: SECTIONS[section](**given) for section, given in values.items()})


def read_file(path: Path) -> tuple[list[Entry], list[Problem]]:
    """The entries of a YAML file with their lines, and what keeps it from being read."""
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        cause = fault.strerror if isinstance(fault, OSError) else "is not UTF-8 text"
        return [], [Problem(str(path), f"cannot be read: {cause}")]
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        return [], [Problem(where, f"is not valid YAML: {getattr(fault, 'problem', None) or fault}")]
    if root is None:
        return [], []
    if not isinstance(root, yaml.MappingNode):
        return [], [Problem(f"{path}:1", "must be a mapping of sections, such as `thresholds:`")]
    return _sections(path, root)


def _sections(path: Path, root: Any) -> tuple[list[Entry], list[Problem]]:
    import yaml

    constructor = yaml.SafeLoader("")
    entries: list[Entry] = []
    problems: list[Problem] = []
    for key_node, section in root.value:
        line = f"{path}:{key_node.start_mark.line + 1}"
        name = str(key_node.value)
        if not isinstance(section, yaml.MappingNode):
            if name in SECTIONS:
                problems.append(Problem(line, f"{name}: must be a mapping of options"))
            else:
                entries.append(Entry(name, section.value, line))
            continue
        for option_node, value_node in section.value:
            where = f"{path}:{option_node.start_mark.line + 1}"
            key = f"{name}.{option_node.value}"
            try:
                value = constructor.construct_object(value_node, deep=True)
            except yaml.YAMLError as fault:
                problems.append(Problem(where, f"{key}: {getattr(fault, 'problem', fault)}"))
                continue
            entries.append(Entry(key, value, where))
    return entries, problems


def _from_environment(environ: Mapping[str, str]) -> Iterator[Entry]:
    for section, name, _ in option_fields():
        variable = f"VEREIN_{section}_{name}".upper()
        if variable in environ:
            yield Entry(f"{section}.{name}", environ[variable], variable)
