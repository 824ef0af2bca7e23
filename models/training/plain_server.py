"""Plain transformers behind ``/v1/score``: the naive padded batch, which engines are compared with.

    python -m models.training.plain_server --bundle DIR --port P [--dtype bfloat16] [--threads N]

One request at a time, from one client, on this machine. The last hidden state meets the label rows only: with the
whole vocabulary the comparison would be with a product that nobody needs.
"""

import argparse
import json
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import torch

from models.training.export import load_weights
from models.training.losses import label_logits

__all__ = ["PlainRanker", "main"]

_PAD_ID = 0


class PlainRanker:
    """Scores of one request."""

    def __init__(self, folder: Path, dtype: torch.dtype) -> None:
        """Load a checkpoint."""
        # In its type from the start: `.to(bfloat16)` would round the rotary frequencies too.
        self._model = load_weights(folder, dtype)

    @torch.inference_mode()
    def score(self, query: Sequence[int], items: Sequence[Sequence[int]], labels: Sequence[int]) -> list[list[float]]:
        """Softmax over the labels after each item, in the order of the items."""
        prompts = [[*query, *item] for item in items]
        lengths = [len(prompt) for prompt in prompts]
        width = max(lengths)
        ids = torch.tensor([prompt + [_PAD_ID] * (width - len(prompt)) for prompt in prompts])
        mask = torch.arange(width)[None] < torch.tensor(lengths)[:, None]
        hidden = self._model.model(input_ids=ids, attention_mask=mask.long(), use_cache=False).last_hidden_state
        logits = label_logits(self._model, hidden, torch.tensor(lengths) - 1, tuple(labels))
        answer: list[list[float]] = logits.float().softmax(dim=1).tolist()
        return answer


def handler_for(ranker: PlainRanker) -> type[BaseHTTPRequestHandler]:
    """The routes ``/health``, ``/v1/models`` and ``/v1/score``."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            """Ready, and what is served."""
            known = {"/health": {}, "/v1/models": {"object": "list", "data": [{"id": "transformers"}]}}
            self._reply(200 if self.path in known else 404, known.get(self.path, {}))

        def do_POST(self) -> None:
            """Score."""
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path != "/v1/score":
                self._reply(404, {})
                return
            self._reply(200, {"scores": ranker.score(body["query"], body["items"], body["label_token_ids"])})

        def log_message(self, *_: Any) -> None:
            """Quiet."""

        def _reply(self, status: int, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("x-precis-revision", "transformers")  # else clients ask for it, once a score
            self.end_headers()
            self.wfile.write(content)

    return Handler


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description="Plain transformers behind /v1/score, for comparison.")
    parser.add_argument("--bundle", type=Path, required=True, help="Directory of the checkpoint.")
    parser.add_argument("--port", type=int, required=True, help="Port to listen on.")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="bfloat16")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    ranker = PlainRanker(given.bundle, getattr(torch, given.dtype))
    with HTTPServer(("127.0.0.1", given.port), handler_for(ranker)) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
