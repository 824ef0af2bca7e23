"""Queries whose occupation is called by words that nobody knows: what is left to go by are words in common, and wishes.

A ranker made from nothing knows the occupations of its catalogue. Of any other it can know only what it reads: the item
is of the occupation asked for where its title has a word of the query's, and then the wishes decide as ever.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from models.training.data import GeneratedPosting, JudgedQuery, grade
from models.training.data.catalogue import load_catalogue
from models.training.unknown_words import UnknownWords

__all__ = ["renamed"]

_MOST_ASKED, _MOST_OTHERS, _LONGEST_TITLE = 3, 2, 3


def renamed(rng: Random, words: UnknownWords, judged: JudgedQuery) -> JudgedQuery:
    """The same wishes and facts, with other words for the occupations of query and titles.

    Titles of the occupation asked for have at least one word of the query's, other titles none; nothing tells that one
    of these is of the same family. Bodies, which would tell the old names, are left out. A query whose occupation was
    misspelt stays as it is.

    Args:
        rng: Of the words.
        words: Where they come from.
        judged: With all its candidates.
    """
    called = judged.query.wordings[1].lower()
    if called not in judged.query.text:
        return judged
    asked = words.several(rng, 1, _MOST_ASKED)
    query = replace(judged.query, text=judged.query.text.replace(called, " ".join(asked), 1))
    candidates = tuple(_titled(rng, words, posting, query.occupation, asked) for posting in judged.candidates)
    return JudgedQuery(query, candidates, tuple(grade(query, posting) for posting in candidates))


def _title(rng: Random, words: UnknownWords, asked: Sequence[str]) -> str:
    if not asked:
        return " ".join(words.several(rng, 1, _LONGEST_TITLE))
    title = [*rng.sample(asked, rng.randint(1, len(asked))), *words.several(rng, 0, _MOST_OTHERS)]
    rng.shuffle(title)
    return " ".join(title)


def _titled(
    rng: Random, words: UnknownWords, posting: GeneratedPosting, occupation: str, asked: Sequence[str]
) -> GeneratedPosting:
    """What stands around the occupation's name in the title, such as a rank, stays."""
    is_same = posting.occupation == occupation
    called = _title(rng, words, asked if is_same else ())
    title = posting.posting["title"]
    names = load_catalogue().occupation(posting.occupation).titles.train
    name = max((name for name in names if name.lower() in title.lower()), key=len, default=title)
    title = re.sub(re.escape(name), called, title, count=1, flags=re.IGNORECASE)
    return replace(
        posting,
        job_id=f"{posting.job_id} as {title}",
        posting={**posting.posting, "title": title},
        family=posting.family if is_same else "",
        body="",
    )
