"""``python -m ops.chaos.engine --port P --tokenizer FILE``: the engine in the foreground."""

import argparse
import asyncio
import json
import random
from pathlib import Path
from typing import Any

from models.prompts import TextTokenizer
from ops.chaos.answers import score_of, summary_of
from ops.chaos.engine.moods import Mood, Orders, Script
from ops.http_replies import Reply, serve

_REVISION = "chaos-engine-1"
_HEADERS = (("x-precis-revision", _REVISION),)
_RETRY_AFTER_S = 0.3


class Engine:
    """From requests to replies."""

    def __init__(self, tokenizer: TextTokenizer, script: Script) -> None:
        self._tokenizer = tokenizer
        self._script = script

    async def reply(self, path: str, body: bytes) -> Reply:
        """Answer one request."""
        if path == "/orders":
            self._script.obey(Orders.model_validate_json(body))
            return Reply(body={})
        if path in {"/health", "/counts"}:
            return Reply(body=dict(self._script.num_answers))
        if path in {"/info", "/v1/models"}:
            return Reply(body={"revision": _REVISION, "data": [{"id": _REVISION}]}, headers=_HEADERS)
        reply = await self._work(path, body)
        self._script.num_answers[f"{path} {reply.status}{' reset' if reply.is_reset else ''}"] += 1
        return reply

    async def _work(self, path: str, body: bytes) -> Reply:
        mood = self._script.orders.mood
        if mood is Mood.REFUSE:
            return _error(429, "overloaded", ("retry-after", str(_RETRY_AFTER_S)))
        if mood is Mood.UNREADY:
            return _error(503, "not_ready")
        if path == "/v1/completions":
            await asyncio.sleep(self._script.service_s())
        fields = json.loads(body)
        answer = self._completion(fields) if path == "/v1/completions" else self._scores(fields)
        return (
            self._broken(body, answer) if mood in {Mood.BROKEN, Mood.GARBAGE} else Reply(body=answer, headers=_HEADERS)
        )

    def _scores(self, fields: dict[str, Any]) -> dict[str, Any]:
        scores = [score_of(fields["query"], item) for item in fields["items"]]
        rows = [[score, 1 - score] for score in scores]
        is_no_first = fields["label_token_ids"][0] == self._tokenizer.encode(" no")[-1]
        return {"object": "scoring", "scores": [row[::-1] for row in rows] if is_no_first else rows}

    def _completion(self, fields: dict[str, Any]) -> dict[str, Any]:
        prompt = fields["prompt"]
        text = summary_of(self._tokenizer.decode(prompt[1:-1]))  # between the marks
        usage = {"prompt_tokens": len(prompt), "completion_tokens": self._tokenizer.count(text)}
        choice = {"index": 0, "text": text, "finish_reason": "stop"}
        return {"object": "text_completion", "choices": [choice], "usage": usage}

    def _broken(self, request: bytes, answer: dict[str, Any]) -> Reply:
        match self._script.breakage(request):
            case "reset":
                return Reply(is_reset=True)
            case "cut":
                return Reply(body=answer, headers=_HEADERS, num_bytes_sent=20)
            case "not_json":
                return Reply(body=b"<html>oops</html>", headers=_HEADERS)
            case "other_form":
                return Reply(body={"object": "other", "choices": [], "scores": "none"}, headers=_HEADERS)
            case _:
                return Reply(body=answer, headers=_HEADERS)


def _error(status: int, kind: str, *headers: tuple[str, str]) -> Reply:
    body = {"object": "error", "error": {"message": "as ordered", "type": kind, "code": status}}
    return Reply(status=status, body=body, headers=(*_HEADERS, *headers))


def main() -> None:
    """Run until killed."""
    parser = argparse.ArgumentParser(prog="python -m ops.chaos.engine", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--service-s", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    script = Script(Orders(service_s=given.service_s), random.Random(given.seed))
    asyncio.run(serve(given.port, Engine(TextTokenizer.from_file(given.tokenizer), script).reply))


if __name__ == "__main__":
    main()
