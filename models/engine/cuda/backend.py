"""Puts the parts for a GPU together, tries them, and gets them ready."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from models.engine.backend import Backend
from models.engine.cuda.check import difference, missing
from models.engine.cuda.decoding import GraphedDecodeBatch
from models.engine.cuda.graphs import Graphs, run_each_time
from models.engine.cuda.layers import compiled
from models.engine.cuda.scoring import PackedScorer
from models.engine.cuda.weights import join_layers

if TYPE_CHECKING:
    from models.engine.layers import Model


def open_backend(model: Model, *, max_rows: int, with_graphs: bool) -> tuple[Backend | None, str]:
    """A backend that is compiled, recorded and found right; or None and why not, with the remedy.

    Raises:
        Exception: Whatever the compiler or the driver raised.
    """
    if (obstacle := missing(model)) is not None:
        return None, obstacle
    model, joined = join_layers(model)
    kernels = compiled()
    record = Graphs().record if with_graphs else run_each_time
    scorer = PackedScorer(model, joined, max_rows=max_rows, kernels=kernels, record=record)
    scorer.prepare()
    new_batch = partial(GraphedDecodeBatch, joined=joined, kernels=kernels, record=record)
    if (found := difference(model, scorer.encode_pass, new_batch)) is not None:
        return None, f"{found}: please report it with the versions of torch, Triton and the driver"
    return Backend(model, scorer.encode_pass, new_batch, "graphs" if with_graphs else "compiled"), ""
