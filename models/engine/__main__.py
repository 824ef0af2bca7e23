"""Starts one engine: ``python -m models.engine --bundle DIR --role summarizer|ranker [--port 8101]``.

The first line on stdout is the address. /health answers 503 until the model is loaded and warm, then 200. SIGTERM or
SIGINT stops accepting, finishes what runs (at most ``--drain-s``) and ends with exit code 0. A bundle that cannot be
used, or a port that is taken, ends it with exit code 2 and one line that names the file or the address.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import socket
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from models.engine.config import CPU_BATCH_TOKENS, CUDA_BATCH_TOKENS, EngineConfig, Limits
from models.engine.errors import AddressError, StartError
from models.engine.server import create_app
from models.engine.service import Engine, open_engine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

EXIT_CANNOT_START = 2
_BACKLOG = 2048


def parse_arguments(arguments: Sequence[str]) -> EngineConfig:
    """The settings on a command line; argparse ends the process with 2 on a wrong one."""
    parser = argparse.ArgumentParser(prog="python -m models.engine", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--bundle", type=Path, required=True, help="directory of a Qwen3 or Llama checkpoint")
    parser.add_argument("--role", choices=("summarizer", "ranker"), required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=_port, default=8101, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--served-model-name", dest="served_name", help="default: the bundle directory's name")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32", help="type of the computation")
    parser.add_argument(
        "--weights", choices=("as_dtype", "int8"), default="as_dtype", help="int8: half the memory; CPU only"
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument(
        "--kernels",
        choices=("auto", "compiled", "plain"),
        default="auto",
        help="on a GPU: compiled and recorded as graphs, without graphs, or neither (default: auto)",
    )
    parser.add_argument("--threads", type=_positive, default=1, help="torch CPU threads (default: %(default)s)")
    parser.add_argument("--drain-s", type=float, default=10.0, help="seconds for running requests after SIGTERM")
    limits = parser.add_argument_group("limits")
    for option, help_text in _LIMIT_HELP.items():
        default = getattr(Limits(), option)
        limits.add_argument(_flag(option), type=_positive, default=default, help=f"{help_text} (default: {default})")
    values = vars(parser.parse_args(arguments))
    bounds = Limits(**{field.name: values.pop(field.name) for field in fields(Limits)})
    return EngineConfig(**values, limits=bounds)


_LIMIT_HELP = {
    "max_batch_tokens": f"rows of one scoring pass; None: {CPU_BATCH_TOKENS} on a CPU, {CUDA_BATCH_TOKENS} on a GPU",
    "prefill_chunk_tokens": "prompt tokens between two decode steps",
    "max_running": "sequences decoded together",
    "kv_cache_mib": "decode cache, MiB",
    "max_queue_tokens": "tokens waiting and running; more is refused with 429",
    "max_items": "items or prompts of one request",
    "max_context": "tokens of one prompt with its completion",
    "max_body_bytes": "bytes of one request body",
}


def _flag(option: str) -> str:
    return "--" + option.replace("_", "-")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not positive")
    return value


def _port(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 65_535:  # noqa: PLR2004 - the range of TCP ports
        raise argparse.ArgumentTypeError(f"{text} is not a TCP port, 0 to 65535")
    return value


def bind(host: str, port: int) -> socket.socket:
    """A listening socket, bound before anything slow happens.

    Raises:
        AddressError: The address is taken or not of this machine.
    """
    try:
        listening = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=_BACKLOG
        )
    except OSError as exc:
        raise AddressError(f"cannot listen on {host}:{port}: {exc.strerror or exc}; choose another --port") from exc
    # asyncio turns Nagle's algorithm off only for sockets that name their protocol, which this one does not. With it
    # the body of each answer waits behind its head for the client's delayed acknowledgement: 40 ms.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


class _Server(uvicorn.Server):
    """uvicorn, but for signals: it would raise them again after its shutdown and end without exit code 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to ``serve``."""
        yield


async def serve(engine: Engine, listening: socket.socket) -> None:
    """Serve until SIGTERM, SIGINT or a failure to load."""
    config = engine.config
    server = _Server(
        uvicorn.Config(
            create_app(engine),
            log_config=None,
            access_log=False,
            lifespan="on",
            timeout_graceful_shutdown=max(1, round(config.drain_s)),
        )
    )
    loop = asyncio.get_running_loop()

    def leave() -> None:
        engine.refuse_new()
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, leave)

    async def leave_on_failure() -> None:
        await asyncio.wrap_future(engine.settled)
        if engine.failure is not None:
            server.should_exit = True

    watching = asyncio.create_task(leave_on_failure())
    try:
        await server.serve(sockets=[listening])
    finally:
        watching.cancel()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one engine; returns the exit code."""
    config = parse_arguments(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    try:
        engine = open_engine(config)
        listening = bind(config.host, config.port)
    except StartError as exc:
        return _cannot_start(str(exc))
    host = f"[{config.host}]" if ":" in config.host else config.host
    print(  # noqa: T201 - the one line that a parent process reads
        f"precis engine: http://{host}:{listening.getsockname()[1]} role={config.role} bundle={engine.bundle.name}",
        flush=True,
    )
    asyncio.run(serve(engine, listening))
    return 0 if engine.failure is None else _cannot_start(engine.failure)


def _cannot_start(message: str) -> int:
    print(f"precis engine cannot start: {message}", file=sys.stderr, flush=True)  # noqa: T201 - the last word of a command
    return EXIT_CANNOT_START


if __name__ == "__main__":
    sys.exit(main())
