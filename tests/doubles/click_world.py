"""A simulated search engine with known relevance and a known habit of looking."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["World", "make_world"]


@dataclass(frozen=True, slots=True)
class World:
    """What is so, and nobody in the log can see.

    Attributes:
        examination: Position -> chance that a person looks there.
        attraction: (query, job id) -> chance of a click by one who looks.
    """

    examination: Mapping[int, float]
    attraction: Mapping[tuple[str, str], float]

    def pages(self, rng: random.Random, num_pages: int, *, num_swaps: int) -> Iterator[dict[str, Any]]:
        """Log lines. Postings stand in an order that is the same every time but for random swaps of neighbours.

        The order puts half of the postings where their worth would, and half where it would not: what is far down is
        clicked seldom, however good it is.
        """
        by_query: dict[str, list[str]] = {}
        for query, job_id in sorted(self.attraction):
            by_query.setdefault(query, []).append(job_id)
        queries = list(by_query)
        for _ in range(num_pages):
            query = rng.choice(queries)
            order = list(by_query[query])
            for _ in range(num_swaps):
                at = rng.randrange(len(order) - 1)
                order[at], order[at + 1] = order[at + 1], order[at]
            yield {"query": query, "shown": [self._shown(rng, query, job, at) for at, job in enumerate(order, start=1)]}

    def _shown(self, rng: random.Random, query: str, job_id: str, position: int) -> dict[str, Any]:
        looks = rng.random() < self.examination[position]
        clicked = looks and rng.random() < self.attraction[query, job_id]
        return {"job_id": job_id, "position": position} | ({"clicked": True} if clicked else {})


def make_world(rng: random.Random, *, num_queries: int, num_jobs: int) -> World:
    """Attractions are spread evenly from 0.05 to 0.7 within each query, in random order."""
    attraction = {}
    for query in range(num_queries):
        worths = [0.05 + 0.65 * place / (num_jobs - 1) for place in range(num_jobs)]
        rng.shuffle(worths)
        attraction |= {(f"query {query}", f"job-{job}"): worth for job, worth in enumerate(worths)}
    examination = {position: position**-0.9 for position in range(1, num_jobs + 1)}
    return World(examination, attraction)
