"""A Django project in one module, for WSGI and ASGI."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator

from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    MIDDLEWARE=["web_django.around", "web_django.Asynchronous"],
    ROOT_URLCONF="web_django",
    SECRET_KEY="test",
)

from django.core.asgi import get_asgi_application  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse  # noqa: E402
from django.urls import include, path, re_path  # noqa: E402
from django.utils.decorators import sync_and_async_middleware  # noqa: E402
from web_work import async_endless, async_parts, counted, done, endless, parts, queries, waiting  # noqa: E402

Respond = Callable[[HttpRequest], HttpResponse]


def around(get_response: Respond) -> Respond:
    """A synchronous middleware with a query before and one after, if the client asks for it."""

    def respond(request: HttpRequest) -> HttpResponse:
        asked = "X-Around" in request.headers
        if asked:
            queries(1)
        response = get_response(request)
        if asked:
            queries(1)
        return response

    return respond


@sync_and_async_middleware
def Asynchronous(get_response: Respond) -> Respond:
    """A middleware that is asynchronous under ASGI."""
    if not asyncio.iscoroutinefunction(get_response):
        return get_response

    async def respond(request: HttpRequest) -> HttpResponse:
        return await get_response(request)

    return respond


def order(request: HttpRequest, number: int) -> HttpResponse:
    """Run *number* queries."""
    queries(number)
    return HttpResponse("done")


async def async_order(request: HttpRequest, number: int) -> HttpResponse:
    """The same in an asynchronous view."""
    queries(number)
    return HttpResponse("done")


def stream(request: HttpRequest, number: int) -> HttpResponse:
    """Run *number* queries while the response is sent."""
    return StreamingHttpResponse(parts(number))


async def async_stream(request: HttpRequest, number: int) -> HttpResponse:
    """The same with an asynchronous generator."""
    return StreamingHttpResponse(async_parts(number))


def endless_stream(request: HttpRequest) -> HttpResponse:
    """A stream the client leaves."""
    return StreamingHttpResponse(endless(2))


async def async_endless_stream(request: HttpRequest) -> HttpResponse:
    """The same with an asynchronous generator."""
    return StreamingHttpResponse(async_endless())


def waiting_stream(request: HttpRequest) -> HttpResponse:
    """A stream that waits."""
    return StreamingHttpResponse(waiting())


def done_queries(request: HttpRequest) -> HttpResponse:
    """How many queries that stream ran."""
    return HttpResponse(str(done()))


def fail(request: HttpRequest, number: int) -> HttpResponse:
    """Raise after *number* queries."""
    queries(number)
    raise ValueError("on purpose")


def failing_stream(request: HttpRequest, number: int) -> HttpResponse:
    """Raise within the stream after *number* queries."""

    def body() -> Iterator[bytes]:
        yield from parts(number)
        raise ValueError("on purpose")

    return StreamingHttpResponse(body())


def refuse(request: HttpRequest, number: int) -> HttpResponse:
    """Answer 403 after *number* queries."""
    queries(number)
    return HttpResponse("no", status=403)


def download(request: HttpRequest, number: int) -> HttpResponse:
    """A file, after *number* queries."""
    queries(number)
    return FileResponse(io.BytesIO(b"x" * 100_000))


async def slow(request: HttpRequest) -> HttpResponse:
    """Run queries until the server cancels, then two more."""
    try:
        while True:
            counted(1)
            await asyncio.sleep(0.01)
    finally:
        counted(2)


pages = [
    path("orders/<int:number>", order),
    path("async-orders/<int:number>", async_order),
    path("stream/<int:number>", stream),
    path("async-stream/<int:number>", async_stream),
    path("endless", endless_stream),
    path("async-endless", async_endless_stream),
    path("waiting", waiting_stream),
    path("done", done_queries),
    path("slow", slow),
    path("fail/<int:number>", fail),
    path("failing-stream/<int:number>", failing_stream),
    path("refuse/<int:number>", refuse),
    path("download/<int:number>", download),
    re_path(r"^pattern/(?P<number>[0-9]+)$", lambda request, number: order(request, int(number))),
]
urlpatterns = [
    path("", done_queries),
    *pages,
    path("tenants/<slug:tenant>/", include([path("home", lambda r, tenant: order(r, 1))])),
]
application = get_wsgi_application()
asgi = get_asgi_application()
