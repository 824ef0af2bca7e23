"""Results by slice: the queries that ask for one kind of match, apart from the others."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from models.training.significance import Interval, difference, mean

__all__ = ["Slice", "by_slice"]


@dataclass(frozen=True, slots=True)
class Slice:
    """One kind of match.

    Attributes:
        name: As the queries carry it.
        num_queries: How many ask for it; a query may ask for several.
        ours: Mean of our values.
        difference: Ours minus theirs, paired by query.
    """

    name: str
    num_queries: int
    ours: Interval
    difference: Interval


def by_slice(
    slices_of_queries: Sequence[Iterable[str]], ours: Sequence[float], theirs: Sequence[float], fewest: int = 5
) -> list[Slice]:
    """The slices with at least ``fewest`` queries, by name; fewer say nothing.

    Args:
        slices_of_queries: [N] names that each query carries.
        ours: [N] our values.
        theirs: [N] what they are compared with.
        fewest: Queries that a slice needs.
    """
    members: dict[str, list[int]] = {}
    for place, names in enumerate(slices_of_queries):
        for name in set(names):
            members.setdefault(name, []).append(place)
    found = []
    for name in sorted(members):
        places = members[name]
        if len(places) >= fewest:
            mine, other = [ours[place] for place in places], [theirs[place] for place in places]
            found.append(Slice(name, len(places), mean(mine), difference(mine, other)))
    return found
