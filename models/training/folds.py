"""Cross-fitting: what is fitted on some queries is measured on others."""

from collections.abc import Iterator
from random import Random

__all__ = ["folds"]


def folds(num_queries: int, num_folds: int, seed: int) -> Iterator[tuple[list[int], list[int]]]:
    """For each fold the places of the queries to fit on, and of those that are left out; each is left out once.

    Args:
        num_queries: All.
        num_folds: At most as many.
        seed: Of the order in which they are dealt out.
    """
    order = list(range(num_queries))
    Random(seed).shuffle(order)
    for fold in range(num_folds):
        yield [query for place, query in enumerate(order) if place % num_folds != fold], order[fold::num_folds]
