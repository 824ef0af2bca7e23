"""The bench's engine as a process: ``/v1/completions`` over so many slots, further requests wait for one.

Run as ``python -m ops.bench.engine_server --bundle DIR --port P``. Without a web framework: on a
small machine its time a request would be the largest figure.
"""

import argparse
import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from models.bundle import Role, load_bundle
from models.prompts import TextTokenizer
from ops.bench.engine import BenchAnswers, ServiceTime
from ops.http_replies import Reply, serve

__all__ = ["BenchEngine", "main"]


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

    async def reply(self, path: str, body: bytes) -> Reply:
        """Answer one request."""
        headers = (("x-precis-revision", self.answers.revision),)
        match path:
            case "/health":
                return Reply(body={}, headers=headers)
            case "/info":
                return Reply(body={"revision": self.answers.revision}, headers=headers)
            case "/v1/completions":
                return Reply(body=await self._complete(json.loads(body)["prompt"]), headers=headers)
        error = {"message": f"no route {path}", "type": "invalid_request_error", "code": 404}
        return Reply(status=404, body={"error": error}, headers=headers)

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


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description="An engine without a model, for measurements.")
    parser.add_argument("--bundle", type=Path, required=True, help="Summarizer bundle whose canaries it must answer.")
    parser.add_argument("--port", type=int, required=True, help="Port to listen on.")
    parser.add_argument("--slots", type=int, default=32, help="Requests at work at the same time.")
    parser.add_argument("--mean-s", type=float, default=0.1, help="Mean service time, seconds.")
    parser.add_argument("--sigma", type=float, default=0.8, help="Standard deviation of its logarithm.")
    given = parser.parse_args()
    bundle = load_bundle(given.bundle, Role.SUMMARIZER)
    answers = BenchAnswers(bundle, TextTokenizer.from_file(bundle.tokenizer_file))
    engine = BenchEngine(answers, ServiceTime(given.mean_s, given.sigma), asyncio.Semaphore(given.slots))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(given.port, engine.reply))


if __name__ == "__main__":
    main()
