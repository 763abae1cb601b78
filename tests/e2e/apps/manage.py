"""A Django project in one file, whose connection counts what sqlite really ran; it prints that number at the end."""

from __future__ import annotations

import re
import sqlite3
import sys

from django.conf import settings
from django.core.management import execute_from_command_line

_VERBS = re.compile(r"\s*(begin|commit|rollback|savepoint|release)\b", re.IGNORECASE)
seen: list[str] = []


class Witnessed(sqlite3.Connection):
    """A connection whose statements are seen."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.set_trace_callback(seen.append)


settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
    DATABASES={
        "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "OPTIONS": {"factory": Witnessed}}
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
    print("witnessed", sum(not _VERBS.match(statement) for statement in seen), flush=True)
