"""Packed scoring as one sequence under FlexAttention, a graph for each size.

The same function as ``scoring.encode_pass`` with two differences: prefixes are computed in each pass that needs them,
which keeps a pass one sequence of its own rows; and the last layer's queries are those of all rows, because attention
is little of a layer, while what follows it is computed for items' last rows only.

Shape suffixes: N rows of a padded pass, I items, E hidden size, H query heads, D head size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from models.engine.cuda.flex import PassNumbers, pass_numbers
from models.engine.cuda.layout import capacities, lay_out
from models.engine.layers import finish, finish_layer
from models.engine.scoring import embed_rows, encode_pass

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.engine.cuda.layers import Kernels
    from models.engine.cuda.weights import JoinedLayer
    from models.engine.layers import Model
    from models.engine.scoring import Group

_States = tuple[torch.Tensor, torch.Tensor]
"""Rows [N, E] before the last layer, and the last layer's attention [N, H, D]."""


@dataclass(frozen=True, slots=True)
class _Size:
    """Fixed memory for passes of one capacity, and what computes on it."""

    x_NE: torch.Tensor
    numbers: PassNumbers
    run: Callable[[], _States]


class PackedScorer:
    """``scoring.encode_pass`` for passes of at most ``max_rows`` rows; longer ones go there. One thread at a time."""

    def __init__(
        self,
        model: Model,
        joined: Sequence[JoinedLayer],
        *,
        max_rows: int,
        kernels: Kernels,
        record: Callable[[Callable[[], _States]], Callable[[], _States]],
    ) -> None:
        """Take no memory yet.

        Args:
            model: The decoder.
            joined: Its layers.
            max_rows: Rows of the largest pass.
            kernels: What computes.
            record: ``Graphs.record``, or ``run_each_time``.
        """
        self._model = model
        self._joined = joined
        self._capacities = capacities(max_rows)
        self._kernels = kernels
        self._record = record
        self._sizes: dict[int, _Size] = {}

    @torch.inference_mode()
    def encode_pass(self, groups: Sequence[Group]) -> torch.Tensor:
        """[I, E] as ``scoring.encode_pass`` gives it; prefixes keep nothing."""
        sequences = [prompt for group in groups for prompt in (group.prefix.prompt, *group.items) if len(prompt)]
        num_rows = sum(map(len, sequences))
        capacity = next((size for size in self._capacities if size >= num_rows), None)
        if capacity is None:
            return encode_pass(self._model, groups)
        layout = lay_out([(len(group.prefix.prompt), [*map(len, group.items)]) for group in groups], capacity)
        size = self._sizes.get(capacity) or self._add_size(capacity)
        size.x_NE[:num_rows] = embed_rows(self._model, sequences)
        size.numbers.fill(layout)
        # Before the pass is launched: a copy from the host waits for what was.
        last_I = torch.tensor(layout.last_rows, device=self._model.device)
        x_NE, attended_NHD = size.run()
        # Launched while the device still computes the graph: a graph of their own would gain nothing.
        x_IE = finish_layer(self._model, self._model.layers[-1], x_NE[last_I], attended_NHD[last_I])
        return finish(self._model, x_IE)

    @torch.inference_mode()
    def prepare(self) -> None:
        """Compile and record every size, so that no request pays for it.

        The largest first, which is the one that a busy engine uses: what is compiled first is compiled for its size
        alone, and its graph keeps these kernels. They take a fifth less time than those for all sizes (H100).
        """
        for capacity in reversed(self._capacities):
            size = self._sizes.get(capacity) or self._add_size(capacity)
            size.numbers.fill(lay_out([(0, [1])], capacity))
            for _ in range(2):
                size.run()

    def _add_size(self, capacity: int) -> _Size:
        model = self._model
        x_NE = torch.zeros(capacity, model.shape.hidden_size, dtype=model.dtype, device=model.device)
        numbers = pass_numbers(capacity, model.device)
        size = _Size(x_NE, numbers, self._record(lambda: self._compute(x_NE, numbers)))
        self._sizes[capacity] = size
        return size

    def _compute(self, x_NE: torch.Tensor, numbers: PassNumbers) -> _States:
        kernels, eps = self._kernels, self._model.shape.norm_eps
        rotary = self._model.rotary(numbers.positions_N)
        projected = kernels.project(x_NE, self._joined[0], rotary, eps)
        attended_NHD = kernels.attend_packed(projected, numbers.mask)
        for index in range(len(self._joined) - 1):
            layer, following = self._joined[index : index + 2]
            x_NE, projected = kernels.go_on(x_NE, attended_NHD, layer, following, rotary, eps)
            attended_NHD = kernels.attend_packed(projected, numbers.mask)
        return x_NE, attended_NHD
