"""What no training may see of the occupations that the judged queries ask for. Pure.

1. Of these occupations a third, chosen by a hash of the code, is taught nowhere: neither titles nor tasks.
2. Of the others no wording is taught that stands in a judged query or in the title of a judged item, whichever
   occupation lists it: the words are compared as :func:`models.training.judged.titles.title_words` gives them.

So a query of the second kind asks for a known occupation by an unknown name, as in a service that knows its taxonomy,
and one of the first kind for an unknown occupation. The slices of the set ``ads`` tell both apart.
"""

import hashlib
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from models.training.judged.sets import JudgedSet
from models.training.judged.titles import Words, title_words

__all__ = ["asked_occupations_slice", "is_never_taught", "judged_runs", "without_wordings"]

_ONE_IN = 3
_LISTS = ("alternate_titles", "reported_titles")


def is_never_taught(occupation: str) -> bool:
    """Whether an occupation, should a judged query ask for it, is taught nowhere."""
    return hashlib.sha256(occupation.encode()).digest()[0] % _ONE_IN == 0


def asked_occupations_slice(occupation: str) -> str:
    """The slice of a query that asks for an occupation."""
    return "occupation: never taught" if is_never_taught(occupation) else "occupation: taught by other names"


def judged_runs(sets: Iterable[JudgedSet]) -> frozenset[Words]:
    """Every run of words in a query or in the title of an item."""
    texts = [
        text
        for judged in sets
        for text in (
            *(ranking.query for ranking in judged.rankings),
            *(item.facts.title for item in judged.items.values()),
        )
    ]
    return frozenset(
        words[start:end]
        for words in map(title_words, texts)
        for start in range(len(words))
        for end in range(start + 1, len(words) + 1)
    )


def without_wordings(row: Mapping[str, Any], runs: frozenset[Words]) -> dict[str, Any] | None:
    """A row of ``occupations.jsonl.gz`` without the wordings that are judged; None where none remains.

    The first wording that remains takes the place of a title that does not.
    """
    kept = {name: [text for text in row.get(name, ()) if title_words(text) not in runs] for name in _LISTS}
    own = () if title_words(row["title"]) in runs else (row["title"],)
    title = next(chain(own, *kept.values()), None)
    return None if title is None else {**row, **kept, "title": title}
