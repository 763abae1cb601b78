"""A FastAPI application with the pages of the Starlette one, below a router, a mount and its own application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, Request, Response, WebSocket
from fastapi.responses import PlainTextResponse, StreamingResponse
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.routing import Mount
from web_starlette import ROUTES, push, send_mail, send_slowly, talk, waiting_stream
from web_work import async_parts, done, endless, parts, queries


def _cleaned() -> Iterator[None]:
    """A dependency with a query before the view and one after it."""
    queries(1)
    yield
    queries(1)


router = APIRouter()


@router.get("/orders/{number}")
async def order(number: int) -> str:
    """Run *number* queries."""
    queries(number)
    return "done"


@router.get("/threaded/{number}")
def threaded(number: int) -> str:
    """The same in a thread of the pool."""
    queries(number)
    return "done"


@router.get("/depends/{number}", dependencies=[Depends(_cleaned)])
async def depends(number: int) -> str:
    """*number* queries in the view, two in its dependency."""
    queries(number)
    return "done"


@router.get("/stream/{number}")
async def stream(number: int) -> StreamingResponse:
    """Run *number* queries while the response is sent."""
    return StreamingResponse(async_parts(number))


@router.get("/threaded-stream/{number}")
async def threaded_stream(number: int) -> StreamingResponse:
    """The same in threads."""
    return StreamingResponse(parts(number))


@router.get("/endless")
async def endless_stream() -> StreamingResponse:
    """A stream the client leaves; Starlette would leave closing it to the garbage collector."""
    return StreamingResponse(endless(0))


@router.get("/done", response_class=PlainTextResponse)
async def done_queries() -> str:
    """How many queries that stream ran."""
    return str(done())


@router.get("/fail/{number}")
async def fail(number: int) -> str:
    """Raise after *number* queries."""
    queries(number)
    raise ValueError("on purpose")


@router.get("/refuse/{number}", status_code=403)
async def refuse(number: int) -> str:
    """Answer 403 after *number* queries."""
    queries(number)
    return "no"


@router.get("/background/{number}")
async def background(number: int, tasks: BackgroundTasks) -> str:
    """Run *number* queries in a background task."""
    tasks.add_task(send_mail, number)
    return "done"


@router.get("/threaded-background/{number}")
async def threaded_background(number: int, tasks: BackgroundTasks) -> str:
    """The same in a thread."""
    tasks.add_task(send_slowly, number)
    return "done"


@router.websocket("/talk/{room}")
async def talk_in(websocket: WebSocket, room: str) -> None:
    """The talk of the Starlette application."""
    await talk(websocket)


@router.websocket("/push")
async def push_to(websocket: WebSocket) -> None:
    """The pushes of the Starlette application."""
    await push(websocket)


async def around(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """A query before and one after, if the client asks for it."""
    asked = "X-Around" in request.headers
    if asked:
        queries(1)
    response = await call_next(request)
    if asked:
        queries(1)
    return response


inner = FastAPI()
inner.include_router(router)
app = FastAPI(routes=[Mount("/plain/{tenant}", routes=ROUTES)])
app.include_router(router)
app.include_router(router, prefix="/v{version}")
app.add_route("/waiting", waiting_stream)
app.mount("/inner/{tenant}", inner)
app.add_middleware(BaseHTTPMiddleware, dispatch=around)
