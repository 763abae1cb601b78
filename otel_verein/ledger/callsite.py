"""Whose line of code runs a query: the innermost frame of the application, or of a template it renders.

Frames are classed by file once and remembered. The innermost application frame wins; where there is none,
as with an application that is installed as a package, the innermost frame that is no database, framework or
server code. Templates of Django and Jinja2 are frames of their own, with the line of the tag.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from dataclasses import dataclass
from enum import Enum
from types import FrameType

from otel_verein.config.schema import CallSite as CallSiteOptions
from otel_verein.faults import FAULTS, Faults
from otel_verein.ledger.orm import Through, is_orm, through

_DEPTH = 400
_OUTER_FRAMES = 2
_OUTER_DEPTH = 100
_FILES = 20_000
_DJANGO_NODES = os.path.join("django", "template", "base.py")
_GREENLETS = (
    os.path.join("sqlalchemy", "util", "concurrency.py"),
    os.path.join("sqlalchemy", "util", "_concurrency_py3k.py"),  # 2.0
)
_EVENT_LOOPS = (os.path.join("asyncio", "events.py"), os.path.join("asyncio", "runners.py"))
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
        "asyncpg",
        "aiosqlite",
        "aiomysql",
        "asyncmy",
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
    """A line of code: absolute path, line from 1, function; ``outer`` are its callers, innermost first.

    ``through`` is the function of an ORM that ran the query, None where there is none or it is not known.
    """

    file: str
    line: int
    function: str
    outer: tuple[str, ...] = ()
    through: Through | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line} in {self.function}"


class Owner(Enum):
    """Who wrote a file; the last four are told apart frame by frame. ORM is infrastructure that decides on queries."""

    APPLICATION = "application"
    LIBRARY = "library"
    INFRASTRUCTURE = "infrastructure"
    ORM = "orm"
    DJANGO_NODES = "django nodes"
    NO_MODULE = "no module"
    GREENLETS = "greenlets"
    EVENT_LOOP = "event loop"


class CallSites:
    """Finds call sites; remembers the owner of every file it has met (as many as the process has files)."""

    def __init__(self, options: CallSiteOptions, faults: Faults = FAULTS) -> None:
        self._options = options
        self._faults = faults
        self._owners: dict[str, Owner] = {}
        self._places: dict[str, Owner] = {}
        self._libraries = tuple(
            {
                os.path.join(os.path.realpath(path), "")
                for name, path in sysconfig.get_paths().items()
                if name in ("stdlib", "platstdlib", "purelib", "platlib", "scripts")
            }
        )

    def capture(self, frame: FrameType | None = None) -> CallSite | None:
        """The call site of *frame* (the caller's), or None where no frame but infrastructure is on the stack.

        Most frames cost one look-up; callers are looked for only a little way up, since stacks may be deep.
        """
        application: list[CallSite] = []
        library: list[CallSite] = []
        of_orm: list[FrameType] = []
        owners, infrastructure, orm = self._owners, Owner.INFRASTRUCTURE, Owner.ORM
        at: FrameType | None = frame or sys._getframe(1)
        left = _DEPTH
        waiting: FrameType | None = None
        while at is not None and left:
            left -= 1
            owner = owners.get(at.f_code.co_filename) or self.owner(at.f_code.co_filename)
            if owner is orm:
                if not application and not library:
                    of_orm.append(at)
            elif owner is not infrastructure:
                if owner is Owner.EVENT_LOOP and at.f_code.co_name in ("_run", "run"):
                    break  # below is who started the loop, not who asked for the query
                inner = _greenlet_frame(at) if owner is Owner.GREENLETS else None
                if inner is not None:
                    waiting, at = at.f_back, inner
                    continue
                owner, site = self._site(at, owner)
                if owner is Owner.APPLICATION:
                    application.append(site)
                    if len(application) > _OUTER_FRAMES:
                        break
                    left = min(left, _OUTER_DEPTH)
                elif owner is Owner.LIBRARY and len(library) <= _OUTER_FRAMES:
                    library.append(site)
            at = at.f_back
            if at is None:
                at, waiting = waiting, None
        return self._called(application or library, of_orm)

    def _called(self, found: list[CallSite], of_orm: list[FrameType]) -> CallSite | None:
        """The innermost of *found* with its callers, and what of an ORM it called."""
        if not found:
            return None
        went: Through | None = None
        with self._faults.guard("ledger.orm"):  # the line of code is worth having without it
            went = through(of_orm)
        innermost = found[0]
        outer = tuple(str(site) for site in found[1 : _OUTER_FRAMES + 1])
        return CallSite(innermost.file, innermost.line, innermost.function, outer, went)

    def owner(self, file: str) -> Owner:
        """Who wrote *file*, by its place: outside of installed packages and the standard library is application."""
        known = self._owners.get(file)
        if known is None:
            if len(self._owners) >= _FILES:
                self._owners.clear()
            known = self._owners[file] = self._classify(file)
        return known

    def _site(self, frame: FrameType, owner: Owner) -> tuple[Owner, CallSite]:
        """The site of *frame*; a template that it renders has a place and an owner of its own."""
        code = frame.f_code
        site = CallSite(code.co_filename, frame.f_lineno, code.co_name)
        if owner is Owner.DJANGO_NODES:
            template = _django_node(frame)
        elif owner is Owner.NO_MODULE:
            template = _jinja_template(frame)
        else:
            return owner, site
        if template is not None:
            return self._owner_at(template.file), template
        return (Owner.INFRASTRUCTURE if owner is Owner.DJANGO_NODES else self._owner_at(site.file)), site

    def _owner_at(self, file: str) -> Owner:
        """Who wrote the template or generated code in *file*."""
        known = self._places.get(file)
        if known is None:
            if len(self._places) >= _FILES:
                self._places.clear()
            known = self._places[file] = self._owner_of_place(file)
        return known

    def _classify(self, file: str) -> Owner:
        if not file.endswith(".py"):
            return Owner.NO_MODULE  # a template, perhaps
        if file.endswith(_DJANGO_NODES):
            return Owner.DJANGO_NODES
        if file.endswith(_GREENLETS):
            return Owner.GREENLETS
        if file.endswith(_EVENT_LOOPS):
            return Owner.EVENT_LOOP
        return self._owner_of_place(file)

    def _owner_of_place(self, file: str) -> Owner:
        if file.startswith("<") or any(fragment in file for fragment in self._options.ignore):
            return Owner.INFRASTRUCTURE
        path = os.path.realpath(file)
        inside = max((root for root in self._libraries if path.startswith(root)), key=len, default="")
        package = path[len(inside) :].split(os.sep, 1)[0].removesuffix(".py") if inside else ""
        if package in self._options.application:
            return Owner.APPLICATION
        if is_orm(path, path[len(inside) :] if inside else ""):
            return Owner.ORM
        if package in _INFRASTRUCTURE or f"{os.sep}otel_verein{os.sep}" in path:
            return Owner.INFRASTRUCTURE
        if not inside:
            return Owner.APPLICATION
        is_package = f"{os.sep}site-packages{os.sep}" in path or f"{os.sep}dist-packages{os.sep}" in path
        return Owner.LIBRARY if is_package else Owner.INFRASTRUCTURE


def _greenlet_frame(frame: FrameType) -> FrameType | None:
    """The synchronous code, in a greenlet of SQLAlchemy, on whose behalf *frame* awaits something."""
    if frame.f_code.co_name != "greenlet_spawn":
        return None
    inner = getattr(frame.f_locals.get("context"), "gr_frame", None)
    return inner if isinstance(inner, FrameType) else None


def _django_node(frame: FrameType) -> CallSite | None:
    """The tag of a Django template that *frame* renders."""
    if frame.f_code.co_name != "render_annotated":
        return None
    node = frame.f_locals.get("self")
    origin = getattr(getattr(node, "origin", None), "name", None)
    line = getattr(getattr(node, "token", None), "lineno", None)
    if isinstance(origin, str) and isinstance(line, int):
        return CallSite(origin, line, f"<{type(node).__name__}>")
    return None


def _jinja_template(frame: FrameType) -> CallSite | None:
    """The line of the Jinja2 template that *frame* was compiled from."""
    template = frame.f_globals.get("__jinja_template__")
    if template is not None and isinstance(getattr(template, "filename", None), str):
        return CallSite(template.filename, template.get_corresponding_lineno(frame.f_lineno), "<template>")
    return None
