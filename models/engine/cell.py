"""What the speed of scoring is measured on, by the engine's own bench and by `precis bench engine`. No torch."""

from dataclasses import dataclass

__all__ = ["Cell"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One request: items beside one query."""

    num_items: int = 32
    query_tokens: int = 140
    item_tokens: int = 60

    @property
    def num_rows(self) -> int:
        """Token rows of its pass: the query counts once."""
        return self.query_tokens + self.num_items * self.item_tokens
