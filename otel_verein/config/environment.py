"""Which environment a process runs in: development, staging, production, or none that is known."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import NamedTuple

from otel_verein import semconv
from otel_verein.config.entries import hint_at
from otel_verein.config.presets import ALIASES, DEVELOPMENT, ENVIRONMENTS
from otel_verein.config.shown import shown
from otel_verein.config.standard import environment_of
from otel_verein.errors import Problem

VARIABLE = "VEREIN_ENVIRONMENT"
DEBUG_VARIABLES = ("FLASK_DEBUG", "DJANGO_DEBUG")
_ON = ("1", "true", "yes", "on")


class Environment(NamedTuple):
    """Its name, or nothing, and what says so."""

    name: str
    by: str


UNKNOWN = Environment("", "nothing names it")


def detect(
    environ: Mapping[str, str], in_file: tuple[object, str] | None
) -> tuple[Environment, list[Problem], list[Problem]]:
    """The environment, what is wrong with its name, and notes that are no error.

    What names it, in this order: ``VEREIN_ENVIRONMENT``; ``environment:`` in the file, *in_file* with its place;
    ``deployment.environment.name`` among the resource attributes; a debug flag of the framework.
    """
    given = environ.get(VARIABLE, "").strip()
    if given:
        return _named(given, VARIABLE)
    if in_file is not None:
        return _named(in_file[0], in_file[1])
    standard = environment_of(environ).strip()
    if standard:
        name = ALIASES.get(standard.lower(), standard.lower())
        if name in ENVIRONMENTS:
            return Environment(name, semconv.ENVIRONMENT), [], []
        note = f"{standard[:80]!r} is none of {', '.join(ENVIRONMENTS)}: nothing is preset"
        return Environment("", semconv.ENVIRONMENT), [], [Problem(semconv.ENVIRONMENT, note)]
    flag = debug_flag(environ)
    return (Environment(DEVELOPMENT, flag) if flag else UNKNOWN), [], []


def _named(given: object, where: str) -> tuple[Environment, list[Problem], list[Problem]]:
    if given in ENVIRONMENTS:
        return Environment(str(given), where), [], []
    what = f"environment: {shown(given)} must be one of {', '.join(ENVIRONMENTS)}"
    near = meant_by(given) if isinstance(given, str) else ""
    return UNKNOWN, [Problem(where, what + near)], []


def meant_by(name: str) -> str:
    """A hint at the environment that a wrong *name* may stand for, or nothing."""
    alias = ALIASES.get(name.strip().lower())
    return f"; did you mean {alias!r}?" if alias else hint_at(name, ENVIRONMENTS)


def debug_flag(environ: Mapping[str, str]) -> str:
    """The debug flag that is on, of a variable or of the Django settings that the process has loaded."""
    for variable in DEBUG_VARIABLES:
        if environ.get(variable, "").strip().lower() in _ON:
            return variable
    settings = getattr(sys.modules.get("django.conf"), "settings", None)
    # only what is set up already: to ask for more would load the settings of the application
    if settings is not None and getattr(settings, "configured", False) and getattr(settings, "DEBUG", False) is True:
        return "DEBUG of the Django settings"
    return ""
