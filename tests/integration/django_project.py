"""A Django project of one model over every database of the tests, set up once in the process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connections, models

from tests.integration.orm_tables import queries
from tests.scenarios.n_plus_one import django_shop
from tests.services import MariaDB, Postgres
from tests.services.ports import LOOPBACK

# Settings exist once in a process, and the shop of the scenarios has needs of its own: it goes first.
django_shop._set_up()
if "tests.integration" not in settings.INSTALLED_APPS:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "tests.integration"]
    apps.set_installed_apps(settings.INSTALLED_APPS)


class Author(models.Model):
    """Has books."""

    name = models.IntegerField()

    class Meta:
        app_label = "integration"


class Book(models.Model):
    """Has an author."""

    author = models.ForeignKey(Author, models.CASCADE, related_name="books")

    class Meta:
        app_label = "integration"


def sqlite() -> dict[str, Any]:
    """Settings of a database in memory."""
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}


def postgres(server: Postgres, **options: Any) -> dict[str, Any]:
    """Settings of the PostgreSQL server of the tests."""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": "verein",
        "HOST": LOOPBACK,
        "PORT": server.port,
        "OPTIONS": options,
    }


def mariadb(server: MariaDB) -> dict[str, Any]:
    """Settings of the MariaDB server of the tests."""
    to = server.address
    return {
        "ENGINE": "django.db.backends.mysql",
        "NAME": to["database"],
        "USER": to["user"],
        "PASSWORD": to["password"],
        "HOST": to["host"],
        "PORT": to["port"],
    }


class Project:
    """One database of the project, under an alias of its own, with the tables anew and five authors of two books."""

    def __init__(self, alias: str, database: dict[str, Any], witness: Callable[[], list[str]] | None) -> None:
        self.alias = alias
        known = connections.settings
        kept = {"CONN_HEALTH_CHECKS": True, "CONN_MAX_AGE": 0 if "pool" in database.get("OPTIONS", {}) else None}
        known[alias] = {**known["default"], **database, **kept}
        self.connection = connections[alias]
        self._traced: list[str] = []
        self._witness = witness or self._traced.copy
        self._make()

    def _make(self) -> None:
        with self.connection.cursor() as cursor:
            for model in (Book, Author):
                cursor.execute(f"drop table if exists {model._meta.db_table}")
        with self.connection.schema_editor() as editor:
            editor.create_model(Author)
            editor.create_model(Book)
        for number in range(5):
            author = Author.objects.using(self.alias).create(name=number)
            Book.objects.using(self.alias).bulk_create([Book(author=author), Book(author=author)])
        if self.connection.vendor == "sqlite":
            self.connection.connection.set_trace_callback(self._traced.append)

    def seen(self, work: Callable[[], object]) -> list[str]:
        """The queries that the witness saw while *work* ran."""
        before = len(self._witness())
        work()
        return queries(self._witness()[before:])

    def close(self) -> None:
        """End the connection, and its pool if it has one."""
        self.connection.close()
        if getattr(self.connection, "pool", None):
            self.connection.close_pool()
        del connections[self.alias]
        del connections.settings[self.alias]
