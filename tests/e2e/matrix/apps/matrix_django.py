"""Django under WSGI and ASGI: a sync and an async view."""

from __future__ import annotations

import django
from django.conf import settings
from django.http import HttpResponse
from django.urls import path
from matrix_work import work, work_async

LOGGING = {"version": 1, "handlers": {"out": {"class": "logging.StreamHandler"}}, "root": {"handlers": ["out"]}}
settings.configure(SECRET_KEY="matrix", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, MIDDLEWARE=[], LOGGING=LOGGING)
django.setup()


def page(request, number: int) -> HttpResponse:
    work(number)
    return HttpResponse("done")


async def async_page(request, number: int) -> HttpResponse:
    await work_async(number)
    return HttpResponse("done")


urlpatterns = [path("do/<int:number>", page), path("async/<int:number>", async_page)]


def _wsgi():
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()


def _asgi():
    from django.core.asgi import get_asgi_application

    return get_asgi_application()


wsgi = _wsgi()
asgi = _asgi()
