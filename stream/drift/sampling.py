"""Which published items are sampled, and which queries they are scored for. Pure: a stable hash decides, no generator.

So every worker, and every run over the same log, samples the same items for the same queries.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

__all__ = ["QueryPool", "is_sampled", "position"]

_WORD = re.compile(r"\w{3,}")


def position(*parts: str) -> float:
    """Where a stable hash puts these parts, uniformly in [0, 1)."""
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) / 2**53  # as many bits as a float holds: 1 is never reached


def is_sampled(job_id: str, item_version: str, share: float) -> bool:
    """Whether this version of this job's item is in the sample.

    Args:
        job_id: Key of the job.
        item_version: Identity of its header and summary: an edit is another draw.
        share: Of all items. A larger share's sample contains a smaller one's.
    """
    return position("item", job_id, item_version) < share


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.casefold()))


@dataclass(frozen=True)
class QueryPool:
    """The queries to choose from.

    Attributes:
        queries: Normalised.
    """

    queries: tuple[str, ...]

    @cached_property
    def identity(self) -> str:
        """Sixteen hexadecimal digits; the same for the same set of queries."""
        return hashlib.sha256("\n".join(sorted(set(self.queries))).encode()).hexdigest()[:16]

    @cached_property
    def _query_words(self) -> tuple[frozenset[str], ...]:
        return tuple(map(_words, self.queries))

    def choose(self, job_id: str, header: str, num_queries: int) -> Sequence[str]:
        """The queries that a posting is scored for, in a stable order.

        The larger half is drawn from those that share a word of three letters or more with the header, as live
        candidates do that a retrieval found; the rest from all others. Of queries from anywhere alone nearly every pair
        is irrelevant, both scores are near 0, and no change would show.

        Args:
            job_id: Key of the job: the draw depends on it, not on the item's version.
            header: Of the posting.
            num_queries: How many; fewer where the pool has fewer.
        """
        words = _words(header)
        near: list[tuple[float, str]] = []
        far: list[tuple[float, str]] = []
        for query, query_words in zip(self.queries, self._query_words, strict=True):
            (near if words & query_words else far).append((position("query", job_id, query), query))
        near.sort()
        far.sort()
        num_near = max((num_queries + 1) // 2, num_queries - len(far))
        chosen = near[:num_near]
        return [query for _, query in chosen + far[: num_queries - len(chosen)]]
