"""What a run of `precis bench engine` does: who takes part, in which order, and with which prompts. Pure."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from models.engine.cell import Cell
from schemas.errors import ConfigurationError

__all__ = ["Contender", "Plan", "Request", "request_of", "turns"]

# Ids below it are known to the tokenizer of every bundle, but for the few first ones, which are marks.
_FIRST_ID, _LAST_ID = 16, 900


class Contender(StrEnum):
    """Who is measured."""

    LOCAL_BF16 = "local_bf16"
    """The local engine."""
    LOCAL_INT8 = "local_int8"
    """The local engine with weights in int8."""
    VLLM = "vllm"
    SGLANG = "sglang"
    TRANSFORMERS = "transformers"
    """A padded batch of whole prompts, as one writes it first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Size of a run."""

    contenders: tuple[Contender, ...] = tuple(Contender)
    """Who takes part, none twice."""
    num_runs: int = 5
    """Measured requests to each; one more comes first and is not counted."""
    threads: int | None = None
    """CPU cores that each engine computes on; None: all."""
    cell: Cell = field(default_factory=Cell)
    """What is asked."""

    def __post_init__(self) -> None:
        """Refuse what cannot be run.

        Raises:
            ConfigurationError: Names the setting and its value.
        """
        if self.num_runs < 1:
            raise ConfigurationError(f"num_runs is {self.num_runs!r}: at least 1")
        if not self.contenders or len(set(self.contenders)) < len(self.contenders):
            raise ConfigurationError(f"engines are {list(map(str, self.contenders))}: name at least one, and each once")


@dataclass(frozen=True, slots=True)
class Request:
    """Token ids of a query and its items."""

    query: tuple[int, ...]
    items: tuple[tuple[int, ...], ...]


def turns(contenders: Sequence[Contender], num_runs: int) -> Iterator[tuple[int, tuple[Contender, ...]]]:
    """Number of each run, from 1, and the order in it: each engine once, another one first each time.

    So a slow minute of the machine slows all, and none always runs behind the same other one.
    """
    for number in range(1, num_runs + 1):
        first = (number - 1) % len(contenders)
        yield number, (*contenders[first:], *contenders[:first])


def request_of(number: int, cell: Cell) -> Request:
    """The prompts of a run: the same for all engines, in no run those of another, so that no cache has them."""
    rng = random.Random(number)

    def ids(count: int) -> tuple[int, ...]:
        return tuple(rng.randrange(_FIRST_ID, _LAST_ID) for _ in range(count))

    return Request(ids(cell.query_tokens), tuple(ids(cell.item_tokens) for _ in range(cell.num_items)))
