"""Measures what the engine makes of this machine: ``python -m models.engine.bench [--device cuda] [--bundle DIR]``.

Prints one line of JSON: the matrix-multiply peak, packed scoring in items a second, and its share of the peak; with
``--decode-sequences`` also decoding. Without a bundle the model is one of Qwen3-0.6B's shape with random weights, made
in memory. HTTP is not in it. The functions are importable.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F

from models.engine.backend import choose_backend
from models.engine.cell import Cell
from models.engine.checkpoint import open_bundle
from models.engine.config import Limits
from models.engine.jobs import Prompt
from models.engine.kernels import choose_matrix
from models.engine.scoring import Group, Prefix, label_logits
from models.engine.sequence_cache import SequenceCache
from models.engine.shape import ModelShape, parse_shape
from models.engine.weights import build_model, load_model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.engine.backend import Backend
    from models.engine.layers import Model

QWEN3_06B: dict[str, Any] = {
    "model_type": "qwen3",
    "num_hidden_layers": 28,
    "hidden_size": 1024,
    "intermediate_size": 3072,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 151_936,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": True,
    "rope_theta": 1_000_000,
}
"""config.json of Qwen3-0.6B, as far as the forward pass depends on it."""
_WEIGHT_STD = 0.02
_SEED = 0
_CPU = torch.device("cpu")
_NUM_DECODE_STEPS = 64
_LAUNCHES_AT_ONCE = 20
"""Products on a GPU that are timed together: waiting for one takes as long as a small one."""


def random_model(shape: ModelShape, dtype: torch.dtype, *, is_int8: bool = False, device: torch.device = _CPU) -> Model:
    """A model whose weights are random, the same for the same shape and device."""
    generator = torch.Generator(device).manual_seed(_SEED)
    hidden, inner, head = shape.hidden_size, shape.intermediate_size, shape.head_dim
    q_size, kv_size = shape.num_heads * head, shape.num_kv_heads * head
    matrices = {
        "self_attn.q_proj": (q_size, hidden),
        "self_attn.k_proj": (kv_size, hidden),
        "self_attn.v_proj": (kv_size, hidden),
        "self_attn.o_proj": (hidden, q_size),
        "mlp.gate_proj": (inner, hidden),
        "mlp.up_proj": (inner, hidden),
        "mlp.down_proj": (hidden, inner),
    }
    norms = {"input_layernorm": hidden, "post_attention_layernorm": hidden}
    norms |= {"self_attn.q_norm": head, "self_attn.k_norm": head}
    # Uniform numbers of the same spread: normal ones take ten times as long to draw.
    bound = _WEIGHT_STD * 3**0.5

    def draw(*size: int) -> torch.Tensor:
        return torch.empty(size, dtype=torch.bfloat16, device=device).uniform_(-bound, bound, generator=generator)

    tensors = {"model.norm.weight": torch.ones(hidden), "model.embed_tokens.weight": draw(shape.vocab_size, hidden)}
    if not shape.is_head_tied:
        tensors["lm_head.weight"] = draw(shape.vocab_size, hidden)
    for index in range(shape.num_layers):
        at = f"model.layers.{index}."
        tensors |= {f"{at}{name}.weight": draw(*size) for name, size in matrices.items()}
        tensors |= {f"{at}{name}.weight": torch.ones(size) for name, size in norms.items()}
    return build_model(shape, tensors, device=device, dtype=dtype, source="random weights", is_int8=is_int8)


def matmul_gflops(
    shape: ModelShape, dtype: torch.dtype, num_rows: int, *, repeats: int = 9, device: torch.device = _CPU
) -> float:
    """Peak of matrix multiplication on the model's own shapes, in GFLOP/s: the best product of the best kernel.

    Args:
        shape: The model.
        dtype: float32 or bfloat16.
        num_rows: Rows of the other factor.
        repeats: Runs of each product; the fastest counts.
        device: Where.
    """
    q_size, kv_size = shape.num_heads * shape.head_dim, shape.num_kv_heads * shape.head_dim
    hidden, inner = shape.hidden_size, shape.intermediate_size
    best = 0.0
    times = 1 if device.type == "cpu" else _LAUNCHES_AT_ONCE
    for num_in, num_out in ((hidden, q_size + 2 * kv_size), (q_size, hidden), (hidden, 2 * inner), (inner, hidden)):
        weight = torch.randn(num_out, num_in, dtype=dtype, device=device)
        x = torch.randn(num_rows, num_in, dtype=dtype, device=device)
        matrix = choose_matrix(device, dtype)(weight)
        for product in (
            lambda x=x, weight=weight: F.linear(x, weight),
            lambda x=x, matrix=matrix: matrix.product(matrix.read(x)),
        ):
            best = max(best, 2 * num_rows * num_in * num_out / min(_seconds(product, repeats, times=times)) / 1e9)
    return best


def scoring_seconds(backend: Backend, cell: Cell, *, max_rows: int | None = None, repeats: int = 5) -> list[float]:
    """Seconds of packed scoring of one request, its query computed anew in each run. Warm.

    Args:
        backend: The model and what computes it.
        cell: The request.
        max_rows: Rows of one pass; None computes all items in one.
        repeats: Runs.
    """
    query, items = random_request(cell, backend.model.shape.vocab_size)

    @torch.inference_mode()
    def score() -> None:
        for groups in groups_together(query, items, max_rows or cell.num_rows):
            label_logits(backend.model, backend.encode_pass(groups), (0, 1)).tolist()

    return _seconds(score, repeats)


def random_request(cell: Cell, vocab_size: int) -> tuple[Prompt, list[Prompt]]:
    """A query and its items, of random tokens, the same ones for the same cell."""
    rng = random.Random(_SEED)

    def prompt(num_tokens: int) -> Prompt:
        return Prompt(tuple(rng.randrange(vocab_size) for _ in range(num_tokens)))

    return prompt(cell.query_tokens), [prompt(cell.item_tokens) for _ in range(cell.num_items)]


def groups_together(query: Prompt, items: Sequence[Prompt], max_rows: int) -> list[list[Group]]:
    """Passes of at most so many rows in which the items share one query, computed in the first."""
    num_at_once = max(1, (max_rows - len(query)) // len(items[0]))
    prefix = Prefix(query)
    return [[Group(prefix, items[start : start + num_at_once])] for start in range(0, len(items), num_at_once)]


@torch.inference_mode()
def decoding_tokens_per_s(backend: Backend, num_sequences: int, *, prompt_tokens: int = 64) -> float:
    """Greedy tokens a second of so many sequences together. Warm."""
    model, capacity = backend.model, prompt_tokens + 2 * _NUM_DECODE_STEPS
    batch = backend.new_decode_batch(model, num_sequences * (capacity + _NUM_DECODE_STEPS))
    for row in range(num_sequences):
        cache = SequenceCache(model, prompt_tokens)
        cache.extend([(row + token) % model.shape.vocab_size for token in range(prompt_tokens)], is_end=False)
        batch.join(cache, capacity)
    tokens = [0] * num_sequences

    def decode() -> None:
        nonlocal tokens
        for _ in range(_NUM_DECODE_STEPS):
            tokens = model.logits(batch.step(tokens)).argmax(-1).tolist()

    (seconds,) = _seconds(decode, 1)
    return num_sequences * _NUM_DECODE_STEPS / seconds


def _seconds(act: Callable[[], object], repeats: int, *, times: int = 1) -> list[float]:
    """Seconds of one act in each of the repeats, each of which acts so many times."""
    act()
    seconds = []
    for _ in range(repeats):
        _wait_for_device()
        started = time.perf_counter()
        for _ in range(times):
            act()
        _wait_for_device()
        seconds.append((time.perf_counter() - started) / times)
    return seconds


def _wait_for_device() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def measure(backend: Backend, cell: Cell, *, max_rows: int | None = None, repeats: int = 5) -> dict[str, Any]:
    """Items a second, GFLOP/s of the matrix products, and their share of the machine's peak in this type.

    Operations and peak are of the cell's rows, the query's counted once, or of a pass's where those are fewer.
    """
    model = backend.model
    runs = scoring_seconds(backend, cell, max_rows=max_rows, repeats=repeats)
    seconds = statistics.median(runs)
    gflops = 2 * model.shape.matrix_parameters * cell.num_rows / seconds / 1e9
    num_peak_rows = min(cell.num_rows, max_rows or cell.num_rows)
    peak = matmul_gflops(model.shape, model.dtype, num_peak_rows, device=model.device)
    return {
        "dtype": str(model.dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        **asdict(cell),
        "request_ms": round(1000 * seconds, 3),
        "items_per_s": round(cell.num_items / seconds, 2),
        "runs_items_per_s": [round(cell.num_items / run, 2) for run in runs],
        "gflops": round(gflops),
        "matmul_peak_gflops": round(peak),
        "share_of_peak": round(gflops / peak, 3),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m models.engine.bench", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--bundle", type=Path, help="default: random weights of Qwen3-0.6B's shape")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="bfloat16")
    parser.add_argument("--weights", choices=("as_dtype", "int8"), default="as_dtype")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--kernels", choices=("auto", "compiled", "plain"), default="auto", help="of a GPU")
    parser.add_argument(
        "--max-batch-tokens", type=int, help="rows of a pass (default: on a CPU all, on a GPU the engine's)"
    )
    parser.add_argument("--decode-sequences", type=int, default=0, help="also decode so many together")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peak-rows", type=int, help="only the matrix-multiply peak with so many rows")
    for name, default in asdict(Cell()).items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=default)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    dtype, is_int8 = getattr(torch, options.dtype), options.weights == "int8"
    bundle = None if options.bundle is None else open_bundle(options.bundle)
    shape = parse_shape(QWEN3_06B, {}, source="Qwen3-0.6B") if bundle is None else bundle.shape
    if options.peak_rows is not None:
        peak = matmul_gflops(shape, dtype, options.peak_rows, device=device)
        print(json.dumps({"dtype": options.dtype, "matmul_peak_gflops": round(peak, 1)}))  # noqa: T201 - as below
        return 0
    if bundle is None:
        model = random_model(shape, dtype, is_int8=is_int8, device=device)
    else:
        model = load_model(bundle, device=device, dtype=dtype, is_int8=is_int8)
    max_rows = options.max_batch_tokens
    if device.type == "cuda":
        max_rows = Limits(max_batch_tokens=max_rows).batch_tokens("cuda")
    backend = choose_backend(model, max_rows=max_rows or 1, kernels=options.kernels)
    cell = Cell(options.num_items, options.query_tokens, options.item_tokens)
    found = {"weights": options.weights, "device": device_name(device), "kernels": backend.kernels}
    found |= measure(backend, cell, max_rows=max_rows, repeats=options.runs)
    if options.decode_sequences:
        found["decode_sequences"] = options.decode_sequences
        found["decode_tokens_per_s"] = round(decoding_tokens_per_s(backend, options.decode_sequences))
    print(json.dumps(found))  # noqa: T201 - the answer of a command
    return 0


def device_name(device: torch.device) -> str:
    """The card's own name, or ``cpu``."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


if __name__ == "__main__":
    sys.exit(main())
