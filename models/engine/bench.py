"""Measures what the engine makes of this machine: ``python -m models.engine.bench [--dtype bfloat16] [--bundle DIR]``.

Prints one line of JSON: the matrix-multiply peak, packed scoring in items a second, and its share of the peak. Without
a bundle the model is one of Qwen3-0.6B's shape with random weights, made in memory. The functions are importable.
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

from models.engine.cell import Cell
from models.engine.checkpoint import open_bundle
from models.engine.jobs import Prompt
from models.engine.kernels import choose_matrix
from models.engine.scoring import Group, Prefix, encode_pass, label_logits
from models.engine.shape import ModelShape, parse_shape
from models.engine.weights import build_model, load_model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


def random_model(shape: ModelShape, dtype: torch.dtype, *, is_int8: bool = False) -> Model:
    """A model on the CPU whose weights are random, the same for the same shape."""
    generator = torch.Generator().manual_seed(_SEED)
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
        return torch.empty(size, dtype=torch.bfloat16).uniform_(-bound, bound, generator=generator)

    tensors = {"model.norm.weight": torch.ones(hidden), "model.embed_tokens.weight": draw(shape.vocab_size, hidden)}
    if not shape.is_head_tied:
        tensors["lm_head.weight"] = draw(shape.vocab_size, hidden)
    for index in range(shape.num_layers):
        at = f"model.layers.{index}."
        tensors |= {f"{at}{name}.weight": draw(*size) for name, size in matrices.items()}
        tensors |= {f"{at}{name}.weight": torch.ones(size) for name, size in norms.items()}
    cpu = torch.device("cpu")
    return build_model(shape, tensors, device=cpu, dtype=dtype, source="random weights", is_int8=is_int8)


def matmul_gflops(shape: ModelShape, dtype: torch.dtype, num_rows: int, *, repeats: int = 9) -> float:
    """Peak of matrix multiplication on the model's own shapes, in GFLOP/s: the best product of the best kernel.

    Args:
        shape: The model.
        dtype: float32 or bfloat16.
        num_rows: Rows of the other factor.
        repeats: Runs of each product; the fastest counts.
    """
    q_size, kv_size = shape.num_heads * shape.head_dim, shape.num_kv_heads * shape.head_dim
    hidden, inner = shape.hidden_size, shape.intermediate_size
    best = 0.0
    for num_in, num_out in ((hidden, q_size + 2 * kv_size), (q_size, hidden), (hidden, 2 * inner), (inner, hidden)):
        weight, x = torch.randn(num_out, num_in, dtype=dtype), torch.randn(num_rows, num_in, dtype=dtype)
        matrix = choose_matrix(weight.device, dtype)(weight)
        for product in (lambda x=x, weight=weight: F.linear(x, weight), lambda x=x, matrix=matrix: matrix.product(x)):
            best = max(best, 2 * num_rows * num_in * num_out / min(_seconds(product, repeats)) / 1e9)
    return best


def scoring_seconds(model: Model, cell: Cell, *, repeats: int = 5) -> list[float]:
    """Seconds of packed scoring of one request, its query computed anew in each run. Warm."""
    rng = random.Random(_SEED)
    vocabulary = model.shape.vocab_size

    def prompt(num_tokens: int) -> Prompt:
        return Prompt(tuple(rng.randrange(vocabulary) for _ in range(num_tokens)))

    query, items = prompt(cell.query_tokens), [prompt(cell.item_tokens) for _ in range(cell.num_items)]

    @torch.inference_mode()
    def score() -> torch.Tensor:
        return label_logits(model, encode_pass(model, [Group(Prefix(query), items)]), (0, 1))

    return _seconds(score, repeats)


def _seconds(act: Callable[[], object], repeats: int) -> list[float]:
    act()
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - started)
    return seconds


def measure(model: Model, cell: Cell, *, repeats: int = 5) -> dict[str, Any]:
    """Items a second, GFLOP/s of the matrix products, and their share of the machine's peak in this type."""
    runs = scoring_seconds(model, cell, repeats=repeats)
    seconds = statistics.median(runs)
    gflops = 2 * model.shape.matrix_parameters * cell.num_rows / seconds / 1e9
    peak = matmul_gflops(model.shape, model.dtype, cell.num_rows)
    return {
        "dtype": str(model.dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        **asdict(cell),
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
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peak-rows", type=int, help="only the matrix-multiply peak with so many rows")
    for name, default in asdict(Cell()).items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=default)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    dtype, is_int8 = getattr(torch, options.dtype), options.weights == "int8"
    bundle = None if options.bundle is None else open_bundle(options.bundle)
    shape = parse_shape(QWEN3_06B, {}, source="Qwen3-0.6B") if bundle is None else bundle.shape
    if options.peak_rows is not None:
        peak = matmul_gflops(shape, dtype, options.peak_rows)
        print(json.dumps({"dtype": options.dtype, "matmul_peak_gflops": round(peak, 1)}))  # noqa: T201 - as below
        return 0
    if bundle is None:
        model = random_model(shape, dtype, is_int8=is_int8)
    else:
        model = load_model(bundle, device=torch.device("cpu"), dtype=dtype, is_int8=is_int8)
    cell = Cell(options.num_items, options.query_tokens, options.item_tokens)
    print(json.dumps({"weights": options.weights, **measure(model, cell, repeats=options.runs)}))  # noqa: T201 - the answer of a command
    return 0


if __name__ == "__main__":
    sys.exit(main())
