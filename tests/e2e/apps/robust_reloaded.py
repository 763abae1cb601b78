"""A page for each of three development servers that restart themselves; a test copies this file and touches the copy.

As ``manage.py runserver PORT`` it is Django's; ``flask --app robust_reloaded run --debug`` takes the application of
Flask, and ``uvicorn --reload robust_reloaded:asgi`` that of FastAPI. Every answer is the process id.
"""

from __future__ import annotations

import os
import sqlite3
import sys

QUERIES = 2


def work() -> str:
    """Two queries; the process id."""
    connection = sqlite3.connect(":memory:")
    for number in range(QUERIES):
        connection.execute("select ?", (number,)).fetchall()
    connection.close()
    return str(os.getpid())


def __getattr__(name: str) -> object:
    """The application of the framework that asks, so that each server imports its own only."""
    if name == "app":
        from flask import Flask

        flask = Flask(__name__)
        flask.add_url_rule("/run/2", "run", work)
        return globals().setdefault(name, flask)
    if name == "asgi":
        from fastapi import FastAPI

        api = FastAPI()
        api.add_api_route("/run/2", lambda: int(work()))
        return globals().setdefault(name, api)
    raise AttributeError(name)


def _django() -> None:
    from django.conf import settings
    from django.core.management import execute_from_command_line
    from django.http import HttpRequest, HttpResponse
    from django.urls import path

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(work())

    urls = type(sys)("robust_urls")
    urls.urlpatterns = [path("run/2", view, name="run")]  # type: ignore[attr-defined]
    sys.modules["robust_urls"] = urls
    settings.configure(DEBUG=True, ALLOWED_HOSTS=["*"], ROOT_URLCONF="robust_urls", SECRET_KEY="test")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    _django()
