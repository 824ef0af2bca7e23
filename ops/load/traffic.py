"""What is asked: Zipf queries of the project's own generator, candidates as a retrieval would give them."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from random import Random
from typing import Any

from models.training.data import GeneratedPosting, GeneratedQuery, Split, draw_pool
from models.training.data.catalogue import load_catalogue
from models.training.data.queries import draw_query
from ops.load.arrivals import POISSON, Shape, arrivals

__all__ = ["Catalogue", "Mix", "PlannedCall", "Traffic", "zipf_weights"]

_SAME_OCCUPATION, _SAME_FAMILY = 60.0, 12.0
_RESERVE_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Mix:
    """What calls are like.

    Attributes:
        num_queries: Distinct queries of a set.
        exponent: Of the Zipf law that queries and the popularity of postings follow.
        num_candidates: Of each call.
        churn: Share of a query's candidates that differ from call to call.
        deadline_ms: Of each call.
        insensitive_share: Share of calls of the class ``latency_insensitive``; the others are interactive.
        consistency: Of each call; empty: the scorer's default, strict.
        max_lag_ms: How far behind a call with ``bounded`` may be.
        fallback: Whether answers by words are welcome where the ranker gives none. Not where its answers are counted.
    """

    num_queries: int = 10_000
    exponent: float = 1.0
    num_candidates: int = 100
    churn: float = 0.05
    deadline_ms: int = 500
    insensitive_share: float = 0.0
    consistency: str = ""
    max_lag_ms: int = 2_000
    fallback: bool = False

    @property
    def allowed_lag_s(self) -> float:
        """How long before it was sent an answer may have been right last: 0 for strict calls."""
        return self.max_lag_ms / 1e3 if self.consistency == "bounded" else 0.0


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A call to come.

    Attributes:
        due_s: Seconds after the start.
        traffic_class: Its class.
        body: Of the request.
    """

    due_s: float
    traffic_class: str
    body: bytes


def zipf_weights(count: int, exponent: float) -> list[float]:
    """Weights of ranks 1 to ``count``: ``1 / rank ** exponent``."""
    return [1 / rank**exponent for rank in range(1, count + 1)]


@dataclass(frozen=True)
class Catalogue:
    """The postings of a run.

    Attributes:
        seed: Of all that is drawn.
        size: How many postings.
    """

    seed: int
    size: int

    @cached_property
    def postings(self) -> list[GeneratedPosting]:
        """In order of popularity, the most popular first."""
        return draw_pool(self.seed, self.size, Split.EVALUATION, "load")

    def queries(self, count: int) -> list[GeneratedQuery]:
        """Queries with different texts, each answered by a posting of the catalogue; the most frequent first."""
        rng, words = Random(f"{self.seed}/load/queries"), load_catalogue()
        found: dict[str, GeneratedQuery] = {}
        while len(found) < count:
            query = draw_query(rng, words, rng.choice(self.postings), Split.EVALUATION)
            if query is not None:
                found.setdefault(query.text, query)
        return list(found.values())


@dataclass
class Traffic:
    """Draws calls over a catalogue.

    Attributes:
        catalogue: The postings.
        mix: What calls are like.
        seed: Of all that is drawn.
        salt: Tells the query sets of this run from those of another one on the same scorer.
    """

    catalogue: Catalogue
    mix: Mix
    seed: int
    salt: int = 0
    _retrieved: dict[int, list[str]] = field(default_factory=dict)

    @cached_property
    def _queries(self) -> list[GeneratedQuery]:
        return self.catalogue.queries(self.mix.num_queries)

    @cached_property
    def _popularity(self) -> list[float]:
        return zipf_weights(len(self.catalogue.postings), self.mix.exponent)

    @cached_property
    def _cumulated(self) -> list[float]:
        return list(accumulate(zipf_weights(self.mix.num_queries, self.mix.exponent)))

    def calls(self, query_set: int, rate: float, seconds: float, shape: Shape = POISSON) -> Iterator[PlannedCall]:
        """The calls of one run.

        Args:
            query_set: No two sets have a query text in common: of another set, all caches of scores are cold. The
                meanings, their frequencies and their candidates are the same in all.
            rate: Mean rate, calls a second.
            seconds: Length of the run.
            shape: How the rate changes.
        """
        rng = Random(f"{self.seed}/load/{query_set}")
        numbers = range(self.mix.num_queries)
        for due_s in arrivals(rate, seconds, rng, shape):
            number = rng.choices(numbers, cum_weights=self._cumulated)[0]
            is_insensitive = rng.random() < self.mix.insensitive_share
            traffic_class = "latency_insensitive" if is_insensitive else "interactive"
            text = self.query_text(number, query_set)
            yield PlannedCall(due_s, traffic_class, self._body(text, self.candidates(number, rng), traffic_class))

    def query_text(self, number: int, query_set: int) -> str:
        """The query at a rank, in the words of a set: a reference number at its end tells the sets apart."""
        return f"{self._queries[number].text} ref {self.salt:06d}{query_set:03d}"

    def candidates(self, number: int, rng: Random) -> list[str]:
        """Candidates of the query at a rank: the same ones but for a few that ``rng`` replaces."""
        if number not in self._retrieved:
            self._retrieved[number] = self._retrieve(number)
        ranked, count = self._retrieved[number], self.mix.num_candidates
        kept, reserve = ranked[:count], ranked[count:]
        num_replaced = min(len(reserve), round(self.mix.churn * count))
        for place in sorted(rng.sample(range(len(kept)), num_replaced), reverse=True):
            del kept[place]
        return kept + rng.sample(reserve, num_replaced)

    def _retrieve(self, number: int) -> list[str]:
        """Postings by an exponential race: faster by popularity, much faster in the query's occupation or family."""
        query, rng = self._queries[number], Random(f"{self.seed}/load/retrieve/{number}")
        times = []
        for posting, popularity in zip(self.catalogue.postings, self._popularity, strict=True):
            affinity = _SAME_FAMILY if posting.family == query.family else 1.0
            affinity = _SAME_OCCUPATION if posting.occupation == query.occupation else affinity
            times.append((-math.log(1 - rng.random()) / (popularity * affinity), posting.job_id))
        count = math.ceil(self.mix.num_candidates * (1 + _RESERVE_SHARE))
        return [job_id for _, job_id in sorted(times)[:count]]

    def _body(self, text: str, job_ids: Sequence[str], traffic_class: str) -> bytes:
        mix = self.mix
        body: dict[str, Any] = {"query": text, "job_ids": job_ids, "deadline_ms": mix.deadline_ms}
        body["class"] = traffic_class
        body["fallback"] = mix.fallback
        if mix.consistency:
            body["consistency"] = mix.consistency
        if mix.consistency == "bounded":
            body["max_lag_ms"] = mix.max_lag_ms
        return json.dumps(body, separators=(",", ":")).encode()
