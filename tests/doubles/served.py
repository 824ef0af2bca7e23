"""An application behind a real socket, in the test's event loop: for clients that bring their own HTTP."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

__all__ = ["served"]


@asynccontextmanager
async def served(app: Any, **options: Any) -> AsyncIterator[str]:
    """Serve the app, whose lifespan is the caller's, on a free port of the loopback address. Yields its address.

    Args:
        app: The application.
        options: Of uvicorn.
    """
    # Named as TCP: asyncio turns off Nagle's algorithm for such sockets only, and each answer would wait 40 ms with it.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen(100)  # connections wait in its queue until the server takes them
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, **options))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
