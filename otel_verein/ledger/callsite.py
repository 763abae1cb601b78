"""Whose line of code runs a query: the innermost frame of the application, or of a template it renders.

Frames are classed by file once and remembered. The innermost application frame wins; where there is none,
as with an application that is installed as a package, the innermost frame that is no database, framework or
server code. Templates of Django and Jinja2 are frames of their own, with the line of the tag.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from types import FrameType

from otel_verein.config.schema import CallSite as CallSiteOptions

_DEPTH = 400
_OUTER_FRAMES = 2
_INFRASTRUCTURE = frozenset(
    [
        "otel_verein",
        "opentelemetry",
        "wrapt",
        "django",
        "rest_framework",
        "sqlalchemy",
        "flask",
        "werkzeug",
        "jinja2",
        "starlette",
        "fastapi",
        "uvicorn",
        "gunicorn",
        "celery",
        "rq",
        "asgiref",
        "anyio",
        "psycopg",
        "psycopg_pool",
        "psycopg2",
        "pymysql",
        "MySQLdb",
        "peewee",
        "pony",
        "tortoise",
        "click",
        "greenlet",
        "gevent",
        "eventlet",
        "pytest",
        "_pytest",
        "pluggy",
        "haystack",
        "treebeard",
        "debug_toolbar",
    ]
)


@dataclass(frozen=True, slots=True)
class CallSite:
    """A line of code: absolute path, line from 1, function; ``outer`` are its callers, innermost first."""

    file: str
    line: int
    function: str
    outer: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.file}:{self.line} in {self.function}"


class Owner(Enum):
    """Who wrote a file."""

    APPLICATION = "application"
    LIBRARY = "library"
    INFRASTRUCTURE = "infrastructure"


class CallSites:
    """Finds call sites; remembers the owner of every file it has met (as many as the process has files)."""

    def __init__(self, options: CallSiteOptions) -> None:
        self._options = options
        self._owners: dict[str, Owner] = {}
        self._libraries = tuple(
            {
                os.path.join(os.path.realpath(path), "")
                for name, path in sysconfig.get_paths().items()
                if name in ("stdlib", "platstdlib", "purelib", "platlib", "scripts")
            }
        )

    def capture(self, frame: FrameType | None = None) -> CallSite | None:
        """The call site of *frame* (the caller's), or None where no frame but infrastructure is on the stack."""
        application: list[CallSite] = []
        library: list[CallSite] = []
        for site in _sites(frame or sys._getframe(1)):
            owner = self.owner(site.file)
            if owner is Owner.APPLICATION:
                application.append(site)
                if len(application) > _OUTER_FRAMES:
                    break
            elif owner is Owner.LIBRARY and len(library) <= _OUTER_FRAMES:
                library.append(site)
        found = application or library
        if not found:
            return None
        innermost = found[0]
        outer = tuple(str(site) for site in found[1 : _OUTER_FRAMES + 1])
        return CallSite(innermost.file, innermost.line, innermost.function, outer)

    def owner(self, file: str) -> Owner:
        """Who wrote *file*, by its place: outside of installed packages and the standard library is application."""
        known = self._owners.get(file)
        if known is None:
            known = self._owners[file] = self._classify(file)
        return known

    def _classify(self, file: str) -> Owner:
        if file.startswith("<") or any(fragment in file for fragment in self._options.ignore):
            return Owner.INFRASTRUCTURE
        path = os.path.realpath(file)
        inside = max((root for root in self._libraries if path.startswith(root)), key=len, default="")
        package = path[len(inside) :].split(os.sep, 1)[0].removesuffix(".py") if inside else ""
        if package in self._options.application:
            return Owner.APPLICATION
        if package in _INFRASTRUCTURE or f"{os.sep}otel_verein{os.sep}" in path:
            return Owner.INFRASTRUCTURE
        if not inside:
            return Owner.APPLICATION
        is_package = f"{os.sep}site-packages{os.sep}" in path or f"{os.sep}dist-packages{os.sep}" in path
        return Owner.LIBRARY if is_package else Owner.INFRASTRUCTURE


def _sites(frame: FrameType | None) -> Iterator[CallSite]:
    for _ in range(_DEPTH):
        if frame is None:
            return
        code = frame.f_code
        yield _template_site(frame) or CallSite(code.co_filename, frame.f_lineno, code.co_name)
        frame = frame.f_back


def _template_site(frame: FrameType) -> CallSite | None:
    """The template line that *frame* renders, if it is one of Django's nodes or compiled by Jinja2."""
    if frame.f_code.co_name == "render_annotated" and frame.f_globals.get("__name__") == "django.template.base":
        node = frame.f_locals.get("self")
        origin = getattr(getattr(node, "origin", None), "name", None)
        line = getattr(getattr(node, "token", None), "lineno", None)
        if isinstance(origin, str) and isinstance(line, int):
            return CallSite(origin, line, f"<{type(node).__name__}>")
    template = frame.f_globals.get("__jinja_template__")
    if template is not None and isinstance(getattr(template, "filename", None), str):
        return CallSite(template.filename, template.get_corresponding_lineno(frame.f_lineno), "<template>")
    return None
