"""What computing a shared query once gains, by its share of the prompt: ``python -m models.engine.prefix_gain``.

The same prompts are scored twice by the same kernels: as one query with its items, and as whole prompts, each with a
query of its own. HTTP is not in it. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from models.engine.backend import choose_backend
from models.engine.bench import QWEN3_06B, device_name, groups_together, random_model, random_request
from models.engine.cell import Cell
from models.engine.checkpoint import open_bundle
from models.engine.config import CPU_BATCH_TOKENS
from models.engine.scoring import Group, Prefix, label_logits
from models.engine.shape import parse_shape
from models.engine.weights import load_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.engine.backend import Backend
    from models.engine.jobs import Prompt

__all__ = ["SHARES", "cell_of", "gains", "groups_apart"]

SHARES = (0.05, 0.1, 0.25, 0.5, 0.7, 0.85, 0.95)
"""Of a prompt's tokens, those of the query."""
_LABELS = (0, 1)


def cell_of(share: float, *, num_items: int, prompt_tokens: int) -> Cell:
    """The request whose query has this share of each prompt; query and items have at least one token each."""
    query_tokens = min(max(1, round(share * prompt_tokens)), prompt_tokens - 1)
    return Cell(num_items, query_tokens, prompt_tokens - query_tokens)


def groups_apart(query: Prompt, items: Sequence[Prompt], max_rows: int) -> list[list[Group]]:
    """Passes of at most so many rows in which each item brings a query of its own."""
    num_at_once = max(1, max_rows // (len(query) + len(items[0])))
    return [
        [Group(Prefix(query), [item]) for item in items[start : start + num_at_once]]
        for start in range(0, len(items), num_at_once)
    ]


@torch.inference_mode()
def _scored(backend: Backend, passes: list[list[Group]]) -> tuple[float, torch.Tensor]:
    """Seconds, and the labels' logits [N, 2]."""
    started = time.perf_counter()
    logits = torch.cat([label_logits(backend.model, backend.encode_pass(groups), _LABELS) for groups in passes])
    logits = logits.float().cpu()  # on a GPU this waits for the passes
    return time.perf_counter() - started, logits


def gains(backend: Backend, cells: Sequence[Cell], *, max_rows: int, runs: int) -> list[dict[str, Any]]:
    """Measure each cell both ways, in turn.

    Args:
        backend: The model and what computes it.
        cells: Requests.
        max_rows: Rows of a pass.
        runs: Of each; medians are reported. One more before them is not counted.

    Returns:
        For each cell ``gain``, items a second together over apart, and beside it ``rows_ratio``: what it would be if
        time were proportional to token rows. ``max_difference``: the largest between the logits of the two ways.
    """
    found = []
    for cell in cells:
        query, items = random_request(cell, backend.model.shape.vocab_size)
        together_s, apart_s, difference = [], [], 0.0
        for run in range(runs + 1):
            seconds_together, logits = _scored(backend, groups_together(query, items, max_rows))
            seconds_apart, others = _scored(backend, groups_apart(query, items, max_rows))
            difference = max(difference, float((logits - others).abs().max()))
            if run:
                together_s.append(seconds_together)
                apart_s.append(seconds_apart)
        num_prompt_tokens = cell.query_tokens + cell.item_tokens
        found.append(
            {
                "prefix_share": round(cell.query_tokens / num_prompt_tokens, 3),
                "query_tokens": cell.query_tokens,
                "item_tokens": cell.item_tokens,
                "items_per_s": round(cell.num_items / statistics.median(together_s), 2),
                "items_per_s_apart": round(cell.num_items / statistics.median(apart_s), 2),
                "gain": round(statistics.median(apart_s) / statistics.median(together_s), 3),
                "rows_ratio": round(cell.num_items * num_prompt_tokens / cell.num_rows, 3),
                "max_difference": round(difference, 5),
            }
        )
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m models.engine.prefix_gain", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--bundle", type=Path, help="default: random weights of Qwen3-0.6B's shape")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="bfloat16")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--num-items", type=int, default=32)
    parser.add_argument("--prompt-tokens", type=int, default=200, help="query and item together")
    parser.add_argument("--max-batch-tokens", type=int, default=CPU_BATCH_TOKENS, help="rows of a pass")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    device, dtype = torch.device(options.device), getattr(torch, options.dtype)
    if options.bundle is None:
        model = random_model(parse_shape(QWEN3_06B, {}, source="Qwen3-0.6B"), dtype, device=device)
    else:
        model = load_model(open_bundle(options.bundle), device=device, dtype=dtype)
    backend = choose_backend(model, max_rows=options.max_batch_tokens)
    cells = [cell_of(share, num_items=options.num_items, prompt_tokens=options.prompt_tokens) for share in SHARES]
    answer = {
        "device": device_name(device),
        "dtype": options.dtype,
        "threads": options.threads,
        "num_items": options.num_items,
        "prompt_tokens": options.prompt_tokens,
        "shares": gains(backend, cells, max_rows=options.max_batch_tokens, runs=options.runs),
    }
    print(json.dumps(answer))  # noqa: T201 - the answer of a command
    return 0


if __name__ == "__main__":
    sys.exit(main())
