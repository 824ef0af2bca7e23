"""The bench's engine as a process: ``/v1/completions`` over so many slots, further requests wait for one.

Run as ``python -m ops.bench.engine_server --bundle DIR --port P``. HTTP is read by hand, in as few lines as the bench's
own client needs: a web framework's time per request would be the largest figure on a small machine.
"""

import argparse
import asyncio
import json
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from models.bundle import Role, load_bundle
from models.prompts import TextTokenizer
from ops.bench.engine import BenchAnswers, ServiceTime

__all__ = ["BenchEngine", "main"]

_REASONS = {200: "OK", 404: "Not Found"}


@dataclass(slots=True)
class BenchEngine:
    """The routes of the engine.

    Attributes:
        answers: What it says.
        service_time: How long a slot is busy with it.
        slots: Requests at work at the same time.
    """

    answers: BenchAnswers
    service_time: ServiceTime
    slots: asyncio.Semaphore

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection, one after the other, until the peer leaves."""
        try:
            while (request := await _read(reader)) is not None:
                path, body = request
                status, answer = await self._answer(path, body)
                content = json.dumps(answer, separators=(",", ":")).encode()
                head = (
                    f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-type: application/json\r\n"
                    f"content-length: {len(content)}\r\nx-precis-revision: {self.answers.revision}\r\n\r\n"
                )
                writer.write(head.encode() + content)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _answer(self, path: str, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        match path:
            case "/health":
                return 200, {}
            case "/info":
                return 200, {"revision": self.answers.revision}
            case "/v1/completions":
                return 200, await self._complete(body["prompt"])
        return 404, {"error": {"message": f"no route {path}", "type": "invalid_request_error", "code": 404}}

    async def _complete(self, prompt_ids: list[int]) -> dict[str, Any]:
        async with self.slots:
            await asyncio.sleep(self.service_time.of(prompt_ids))
        text = self.answers.to(prompt_ids)
        num_output = len(text.split())
        return {
            "object": "text_completion",
            "choices": [{"index": 0, "text": text, "finish_reason": "stop"}],
            "usage": {
                "prompt_tokens": len(prompt_ids),
                "completion_tokens": num_output,
                "total_tokens": len(prompt_ids) + num_output,
            },
        }


async def _read(reader: asyncio.StreamReader) -> tuple[str, dict[str, Any]] | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request_line, *lines = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        content = await reader.readexactly(int(headers.get("content-length", "0")))
    except asyncio.IncompleteReadError:
        return None
    return request_line.split(" ")[1], json.loads(content) if content else {}


async def _serve(engine: BenchEngine, host: str, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # Not waited for when it closes: the peers keep their connections open.
    await asyncio.start_server(engine.serve, host, port)
    await stop.wait()


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description="An engine without a model, for measurements.")
    parser.add_argument("--bundle", type=Path, required=True, help="Summarizer bundle whose canaries it must answer.")
    parser.add_argument("--host", default="127.0.0.1", help="Address to listen on.")
    parser.add_argument("--port", type=int, required=True, help="Port to listen on.")
    parser.add_argument("--slots", type=int, default=32, help="Requests at work at the same time.")
    parser.add_argument("--mean-s", type=float, default=0.1, help="Mean service time, seconds.")
    parser.add_argument("--sigma", type=float, default=0.8, help="Standard deviation of its logarithm.")
    given = parser.parse_args()
    bundle = load_bundle(given.bundle, Role.SUMMARIZER)
    answers = BenchAnswers(bundle, TextTokenizer.from_file(bundle.tokenizer_file))
    engine = BenchEngine(answers, ServiceTime(given.mean_s, given.sigma), asyncio.Semaphore(given.slots))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(engine, given.host, given.port))


if __name__ == "__main__":
    main()
