"""Figures of the engine on this GPU as JSON: ``tests/engine/gpu/run.sh`` writes them, docs/engines.md cites them.

Qwen3-0.6B's shape with random weights in bfloat16: scoring of several cells and decoding, compiled as graphs and plain.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch

from models.engine.backend import Backend, choose_backend, plain_backend
from models.engine.bench import QWEN3_06B, decoding_tokens_per_s, measure, random_model
from models.engine.cell import Cell
from models.engine.config import Limits
from models.engine.shape import parse_shape

CELLS = (Cell(1, 140, 60), Cell(32, 140, 60), Cell(256, 50, 150), Cell(1000, 50, 150))
SEQUENCES = (1, 32)


def figures_of(backend: Backend, max_rows: int) -> dict[str, object]:
    """Scoring and decoding of one backend."""
    return {
        "kernels": backend.kernels,
        "max_batch_tokens": max_rows,
        "scoring": [measure(backend, cell, max_rows=max_rows, repeats=5) for cell in CELLS],
        "decode_tokens_per_s": {number: round(decoding_tokens_per_s(backend, number)) for number in SEQUENCES},
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("output", type=Path)
    output = parser.parse_args().output
    device = torch.device("cuda")
    shape = parse_shape(QWEN3_06B, {}, source="Qwen3-0.6B")
    model = random_model(shape, torch.bfloat16, device=device)
    max_rows = Limits().batch_tokens("cuda")
    started = time.perf_counter()
    backend = choose_backend(model, max_rows=max_rows)
    ready_s = time.perf_counter() - started
    found = {
        "card": torch.cuda.get_device_name(device),
        "torch": torch.__version__,
        "compile_and_record_s": round(ready_s, 1),
        "results": [figures_of(one, max_rows) for one in (backend, plain_backend(model))],
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
