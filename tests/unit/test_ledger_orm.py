"""The ORM between a line of code and a query: found by the files of frames, whatever they hold."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from otel_verein.config.schema import CallSite as Options
from otel_verein.faults import Faults
from otel_verein.ledger.callsite import CallSite, CallSites
from otel_verein.ledger.orm import Through, version

PACKAGES = Path(sysconfig.get_paths()["purelib"])
BENCH = Path("/srv/bench/apps/frappe")


def function(file: Path, module: str, body: str) -> dict[str, Any]:
    """The names of a module with that *body*, in *file*."""
    space: dict[str, Any] = {"__name__": module}
    exec(compile(body, str(file), "exec"), space)
    return space


def site_of(call: Callable[[Callable[[], None]], None], *, faults: Faults | None = None, **options: Any) -> CallSite:
    """The call site of what *call* runs below itself."""
    sites = CallSites(Options(**options), faults) if faults else CallSites(Options(**options))
    found: list[CallSite | None] = []

    def driver() -> None:
        found.append(sites.capture(_above(sys._getframe(0))))

    call(driver)
    (site,) = found
    assert site is not None
    return site


def _above(frame: FrameType) -> FrameType:
    assert frame.f_back is not None
    return frame.f_back


QUERYSET = (
    "class QuerySet:\n    def get(self, run):\n        self.fetch(run)\n    def fetch(self, run):\n        run()\n"
)


def test_the_function_that_the_application_called():
    """Of several functions of an ORM it is the outermost, with its class."""
    space = function(PACKAGES / "django/db/models/query.py", "django.db.models.query", QUERYSET)

    site = site_of(lambda run: space["QuerySet"]().get(run))

    assert site.through == Through("django", "django.db.models.query:QuerySet.get")
    assert (site.file, site.function) == (__file__, "<lambda>")


def test_no_orm():
    """A statement that the application runs itself went through none."""
    assert site_of(lambda run: run()).through is None


def test_below_the_nearest_code_that_is_no_library():
    """What an ORM did on behalf of another library that it called is not taken for what it did itself."""
    queries = function(PACKAGES / "django/db/models/query.py", "django.db.models.query", QUERYSET)
    save = "class Model:\n    def save(self, signal):\n        signal()\n"
    models = function(PACKAGES / "django/db/models/base.py", "django.db.models.base", save)
    plugin = function(PACKAGES / "some_plugin/signals.py", "some_plugin.signals", "def hear(get, run):\n    get(run)\n")

    site = site_of(
        lambda run: models["Model"]().save(lambda: plugin["hear"](queries["QuerySet"]().get, run)), ignore=[__file__]
    )

    assert site.through == Through("django", "django.db.models.query:QuerySet.get")


@pytest.mark.parametrize(
    ("file", "module", "body", "via"),
    [
        ("frappe/__init__.py", "frappe", "def get_doc(doctype, run):\n    run()\n", "frappe:get_doc of Sales Order"),
        (
            "frappe/database/database.py",
            "frappe.database.database",
            "class Database:\n    def get_value(self, doctype, run):\n        run()\n"
            "def get_doc(doctype, run):\n    Database().get_value(doctype, run)\n",
            "frappe.database.database:get_doc of Sales Order",
        ),
    ],
    ids=["function", "method"],
)
def test_frappe_lives_beside_its_bench(file: str, module: str, body: str, via: str):
    """Frappe is no installed package there, but what it queries is told by the DocType, and never by a value."""
    space = function(BENCH / file, module, body)

    site = site_of(lambda run: space["get_doc"]("Sales Order", run))

    assert site.through == Through("frappe", via)
    assert site.file == __file__


def test_private_classes_read_as_they_once_were():
    """SQLAlchemy 2.1 calls a class `_LazyLoader` that was `LazyLoader` before; the name is the same for both."""
    body = "class _LazyLoader:\n    def _load_for_state(self, run):\n        run()\n"
    space = function(PACKAGES / "sqlalchemy/orm/strategies.py", "sqlalchemy.orm.strategies", body)
    loader = space["_LazyLoader"]()
    loader.key = "books"
    loader.parent = type("Mapper", (), {"class_": CallSites})()

    site = site_of(lambda run: loader._load_for_state(run))

    assert site.through == Through(
        "sqlalchemy", "sqlalchemy.orm.strategies:LazyLoader._load_for_state of CallSites.books"
    )


def test_a_fault_costs_the_function_only():
    """An ORM of another shape than ours is a fault that is counted; the line of code is known all the same."""
    faults = Faults(lambda place, fault: None)
    body = "class _LazyLoader:\n    def _load_for_state(self, run):\n        run()\n"
    space = function(PACKAGES / "sqlalchemy/orm/strategies.py", "sqlalchemy.orm.strategies", body)

    site = site_of(lambda run: space["_LazyLoader"]()._load_for_state(run), faults=faults)

    assert (site.file, site.through) == (__file__, None)
    assert faults.counts == {"ledger.orm": 1}


def test_attributes_of_the_application_are_not_read():
    """A property of a model may run a query; only what its instance holds is looked at."""
    body = "class Model:\n    def save(self, run):\n        run()\n"
    space = function(PACKAGES / "django/db/models/base.py", "django.db.models.base", body)
    read: list[str] = []

    class Order(space["Model"]):  # type: ignore[misc]
        def __getattr__(self, name: str) -> Any:
            read.append(name)
            raise AttributeError(name)

    site = site_of(lambda run: Order().save(run))

    assert site.through == Through("django", "django.db.models.base:Model.save of Order")
    assert read == []


def test_names_are_bounded():
    """However long a name is, it takes no more than 200 characters."""
    space = function(BENCH / "frappe/__init__.py", "frappe", "def get_doc(doctype, run):\n    run()\n")

    site = site_of(lambda run: space["get_doc"]("x" * 1000, run))

    assert site.through is not None
    assert len(site.through.via) == 200


def test_packages_of_the_application_stay_its_own():
    """A part of an ORM that the configuration calls the application's is a call site, and no ORM."""
    space = function(PACKAGES / "django/db/models/query.py", "django.db.models.query", QUERYSET)

    site = site_of(lambda run: space["QuerySet"]().get(run), application=["django"])

    assert (site.function, site.through) == ("fetch", None)


def test_version_is_what_the_module_says(monkeypatch: pytest.MonkeyPatch):
    """Without the module, or with one that says none, it is unknown."""
    module = type(sys)("peewee")
    monkeypatch.setitem(sys.modules, "peewee", module)
    unknown = version("peewee")
    module.__version__ = "3.17.0"

    assert (unknown, version("peewee"), version("no_such_orm")) == (None, "3.17.0", None)
