"""What computes on the device at hand: the plain functions, or on a GPU FlexAttention and graphs. The one choice."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from models.engine.decoding import DecodeBatch
from models.engine.scoring import encode_pass

if TYPE_CHECKING:
    from models.engine.config import KernelChoice
    from models.engine.decoding import NewDecodeBatch
    from models.engine.layers import Model
    from models.engine.scoring import EncodePass

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Backend:
    """One model and what computes it. Belongs to the engine's thread."""

    model: Model
    encode_pass: EncodePass
    new_decode_batch: NewDecodeBatch = DecodeBatch
    kernels: Literal["plain", "compiled", "graphs"] = "plain"
    """What was chosen, for logs and benches."""


def plain_backend(model: Model) -> Backend:
    """Every device: each operation launched by itself."""
    return Backend(model, partial(encode_pass, model))


def choose_backend(model: Model, *, max_rows: int, kernels: KernelChoice = "auto") -> Backend:
    """The fastest there is, ready for its first request.

    On a GPU every size of a scoring pass is compiled and recorded here. Where that cannot be done, or does not compute
    what the plain functions do, one line of the log says why, and the plain functions serve.

    Args:
        model: The decoder, on its device.
        max_rows: Rows of the largest scoring pass that is planned.
        kernels: What may be used, see ``EngineConfig``.
    """
    if model.device.type != "cuda" or kernels == "plain":
        return plain_backend(model)
    from models.engine.cuda import backend  # noqa: PLC0415 - loads the compiler, which the CPU does without

    try:
        chosen, obstacle = backend.open_backend(model, max_rows=max_rows, with_graphs=kernels == "auto")
    except Exception as exc:  # noqa: BLE001 - a compiler or a driver failed: the plain functions need neither
        chosen, obstacle = None, f"{type(exc).__name__}: {exc}"
    if chosen is None:
        _log.warning("engine.plain_kernels reason=%r remedy='as the reason says, or --kernels plain'", obstacle)
        return plain_backend(model)
    return chosen
