"""A Starlette application: pages, streams, background tasks, mounts, websockets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket
from web_work import async_endless, async_parts, counted, done, endless, parts, queries, waiting


async def order(request: Request) -> Response:
    """Run as many queries as the address says."""
    queries(request.path_params["number"])
    return PlainTextResponse("done")


def threaded(request: Request) -> Response:
    """The same in a thread of the pool."""
    queries(request.path_params["number"])
    return PlainTextResponse("done")


async def stream(request: Request) -> Response:
    """Run the queries while the response is sent."""
    return StreamingResponse(async_parts(request.path_params["number"]))


async def threaded_stream(request: Request) -> Response:
    """The same with a plain generator, which runs in threads."""
    return StreamingResponse(parts(request.path_params["number"]))


async def endless_stream(request: Request) -> Response:
    """A stream the client leaves; Starlette would leave closing it to the garbage collector."""
    return StreamingResponse(endless(0))


async def async_endless_stream(request: Request) -> Response:
    """The same with an asynchronous generator."""
    return StreamingResponse(async_endless())


async def waiting_stream(request: Request) -> Response:
    """A stream that waits."""
    return StreamingResponse(waiting())


async def done_queries(request: Request) -> Response:
    """How many queries that stream ran."""
    return PlainTextResponse(str(done()))


async def fail(request: Request) -> Response:
    """Raise after the queries."""
    queries(request.path_params["number"])
    raise ValueError("on purpose")


async def failing_stream(request: Request) -> Response:
    """Raise within the stream after the queries."""

    def body() -> Iterator[bytes]:
        yield from parts(request.path_params["number"])
        raise ValueError("on purpose")

    return StreamingResponse(body())


async def refuse(request: Request) -> Response:
    """Answer 403 after the queries."""
    queries(request.path_params["number"])
    return PlainTextResponse("no", 403)


async def send_mail(number: int) -> None:
    """Work of a background task."""
    queries(number)
    if number == 13:
        raise ValueError("on purpose")


def send_slowly(number: int) -> None:
    """The same in a thread."""
    queries(number)


async def background(request: Request) -> Response:
    """Run the queries in a background task."""
    return PlainTextResponse("done", background=BackgroundTask(send_mail, request.path_params["number"]))


async def threaded_background(request: Request) -> Response:
    """The same in a thread."""
    return PlainTextResponse("done", background=BackgroundTask(send_slowly, request.path_params["number"]))


async def slow(request: Request) -> Response:
    """Run queries until the client has gone and the server cancels, then two more."""
    try:
        while not await request.is_disconnected():
            counted(1)
            await asyncio.sleep(0.01)
    finally:
        counted(2)
    return PlainTextResponse("nobody reads this")


async def talk(websocket: WebSocket) -> None:
    """For each message as many queries as it says; two before the first; a word raises."""
    await websocket.accept()
    queries(2)
    while True:
        number = int(await asyncio.wait_for(websocket.receive_text(), 5))
        queries(number)
        await websocket.send_text("done")


async def push(websocket: WebSocket) -> None:
    """Send three times after two queries each, without ever asking for a message."""
    await websocket.accept()
    await websocket.send_text("hello")
    for _ in range(3):
        queries(2)
        await websocket.send_text("news")
    await websocket.close()


NUMBER = "{number:int}"
ROUTES = [
    Route(f"/orders/{NUMBER}", order),
    Route(f"/threaded/{NUMBER}", threaded),
    Route(f"/stream/{NUMBER}", stream),
    Route(f"/threaded-stream/{NUMBER}", threaded_stream),
    Route("/endless", endless_stream),
    Route("/async-endless", async_endless_stream),
    Route("/waiting", waiting_stream),
    Route("/done", done_queries),
    Route("/slow", slow),
    Route(f"/fail/{NUMBER}", fail),
    Route(f"/failing-stream/{NUMBER}", failing_stream),
    Route(f"/refuse/{NUMBER}", refuse),
    Route(f"/background/{NUMBER}", background),
    Route(f"/threaded-background/{NUMBER}", threaded_background),
    WebSocketRoute("/talk/{room}", talk),
    WebSocketRoute("/push", push),
]


class Around:
    """A query before and one after the rest, if the client asks for it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        asked = (b"x-around", b"1") in scope.get("headers", ())

        async def sending(message: Message) -> None:
            if asked and message["type"] == "http.response.start":
                queries(1)
            await send(message)

        if asked:
            queries(1)
        await self.app(scope, receive, sending)


app = Starlette(routes=[*ROUTES, Mount("/tenants/{tenant}", routes=ROUTES)])
app.add_middleware(Around)
