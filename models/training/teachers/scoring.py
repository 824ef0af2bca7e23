"""The cosines of a query with a posting, of every teacher. Vectors of what was read before are kept."""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass

from models.labels.pairs import Pair
from models.training.teachers.encoder import Encoder
from models.training.teachers.pooling import Floats

__all__ = ["Scorer", "Work"]


@dataclass(slots=True)
class Work:
    """What one teacher has done.

    Attributes:
        num_texts: Queries and passages that went through the network.
        seconds: Of processor time that took, on the one thread that there is: a busy machine does not change it.
    """

    num_texts: int = 0
    seconds: float = 0.0


class Scorer:
    """Scores pairs, one after the other. A posting is embedded once, however many queries it comes with."""

    def __init__(self, encoders: Mapping[str, Encoder], *, max_passages: int) -> None:
        """Embed nothing yet.

        Args:
            encoders: By the teacher's name.
            max_passages: Of a posting.
        """
        self._encoders = encoders
        self._max_passages = max_passages
        self._passages: dict[tuple[str, bytes], Floats] = {}
        self._queries: dict[tuple[str, str], Floats] = {}
        self.work = {name: Work() for name in encoders}

    def cosines(self, pair: Pair) -> dict[str, list[float]]:
        """By the teacher's name, one for each passage of the posting, from -1 to 1."""
        vectors = {name: (self._posting(name, pair), self._query(name, pair)) for name in self._encoders}
        return {name: (passages_PD @ query_D).tolist() for name, (passages_PD, query_D) in vectors.items()}

    def _query(self, name: str, pair: Pair) -> Floats:
        key = (name, pair.query)
        if key not in self._queries:
            started = time.process_time()
            self._queries[key] = self._encoders[name].query(pair.query)
            self._count(name, 1, started)
        return self._queries[key]

    def _posting(self, name: str, pair: Pair) -> Floats:
        key = (name, hashlib.sha256(pair.text.encode()).digest())
        if key not in self._passages:
            header, _, body = pair.text.partition("\n") if pair.facts else ("", "", pair.text)
            started = time.process_time()
            self._passages[key] = self._encoders[name].passages(header, body, self._max_passages)
            self._count(name, len(self._passages[key]), started)
        return self._passages[key]

    def _count(self, name: str, num_texts: int, started: float) -> None:
        self.work[name].num_texts += num_texts
        self.work[name].seconds += time.process_time() - started
