"""The set ``melo``: O*NET occupation titles against ESCO titles, binary, as the MELO benchmark judged them.

MELO ranks 33,809 titles for each query, which a cross-encoder cannot do here, so candidates are sub-sampled: up to six
relevant titles at random, the ten that BM25 ranks best among those that are not relevant, and eight others at random.
The queries are drawn at random too. The limit of that rule: negatives that BM25 itself chose are hard for BM25 above
all, so a comparison with BM25 here favours the ranker, and the figures are not MELO's own.
"""

from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any

from models.training.bm25 import Bm25
from models.training.judged.files import EvaluationData
from models.training.judged.sets import Item, JudgedSet, Ranking
from schemas.posting import Facts

__all__ = ["hard_negatives", "melo_rankings", "melo_set", "title_item"]

_RELEVANT, _HARD, _RANDOM = 6, 10, 8


def melo_set(data: EvaluationData, num_rankings: int = 100, seed: int = 11) -> JudgedSet:
    """Make the set; the same arguments give the same one."""
    items, rankings = melo_rankings(Random(seed), data.rows("melo"), num_rankings)
    return JudgedSet("melo", "MELO occupation titles", items, rankings, is_real=True)


def melo_rankings(
    rng: Random, rows: Iterable[Mapping[str, Any]], num_rankings: int
) -> tuple[dict[str, Item], list[Ranking]]:
    """Items and rankings out of the rows of the file."""
    every = list(rows)
    texts = {row["id"]: row["text"] for row in every if row["type"] == "doc"}
    queries = [row for row in every if row["type"] == "query"]
    chosen = rng.sample(queries, min(num_rankings, len(queries)))
    hard = hard_negatives(texts, [(row["text"], row["relevant"]) for row in chosen])
    rankings = [_ranking(rng, row, list(texts), negatives) for row, negatives in zip(chosen, hard, strict=True)]
    keys = {key for ranking in rankings for key in ranking.keys}
    return {key: title_item(key, texts[key]) for key in texts if key in keys}, rankings


def title_item(key: str, title: str) -> Item:
    """An item that is no more than a title: its header has one segment, its body is empty."""
    return Item(
        key,
        Facts(title, "", (), is_remote=False, employment_types=(), requirements=(), pay="", date_posted="", skills=()),
    )


def hard_negatives(
    texts: Mapping[str, str], queries: Sequence[tuple[str, Sequence[str]]], num: int = _HARD
) -> list[list[str]]:
    """For each query the titles that BM25 ranks best among those not relevant, best first; ties by id."""
    index = Bm25(texts)
    postings: dict[str, list[str]] = {}
    for key, text in texts.items():
        for word in set(text.casefold().split()):
            postings.setdefault(word, []).append(key)
    found = []
    for query, relevant in queries:
        # Only titles that share a word can score: the others are not looked at.
        sharing = {key for word in query.casefold().split() for key in postings.get(word.strip(",;()"), ())}
        keys = sorted(sharing - set(relevant))
        scores = dict(zip(keys, index.scores(query, keys), strict=True))
        found.append(sorted(keys, key=lambda key: (-scores[key], key))[:num])
    return found


def _ranking(rng: Random, row: Mapping[str, Any], keys: Sequence[str], negatives: Sequence[str]) -> Ranking:
    relevant = rng.sample(row["relevant"], min(_RELEVANT, len(row["relevant"])))
    excluded = {*row["relevant"], *negatives}
    others: dict[str, None] = {}
    while len(others) < min(_RANDOM, len(keys) - len(excluded)):
        key = rng.choice(keys)
        if key not in excluded:
            others[key] = None
    candidates = [*relevant, *negatives, *others]
    rng.shuffle(candidates)
    wanted = set(relevant)
    return Ranking(row["text"], tuple(candidates), tuple(int(key in wanted) for key in candidates))
