"""What training and test data share and must not. Pure: it looks at what was drawn, not at what the catalogue plans."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from models.training.data.catalogue import Catalogue, permitted
from models.training.data.truth import Fact, GeneratedPosting, GeneratedQuery, Split

__all__ = ["Drawn", "leakage"]

_BLANK = re.compile(r"\{\w+\}")
_NUMBER = re.compile(r"\d+")
_NAMED = frozenset({"skill", "cert"})


class Drawn(Protocol):
    """A judged query as :class:`models.training.data.corpus.JudgedQuery` is one."""

    @property
    def query(self) -> GeneratedQuery:
        """What was asked."""


def leakage(
    catalogue: Catalogue,
    trained: tuple[Sequence[GeneratedPosting], Sequence[Drawn]],
    tested: tuple[Sequence[GeneratedPosting], Sequence[Drawn]],
) -> dict[str, int]:
    """How many things of each sort occur in training data and in test data; all must be 0.

    Args:
        catalogue: Which occupations are held out, and the boilerplate that only the test may use.
        trained: Postings and queries of the training data.
        tested: Those of the test.

    Returns:
        ``held_out_occupations`` (among training postings and queries; their titles and search words in training text
        included), ``titles``, ``organisations``, ``phrases``, ``sentence_templates``, ``boilerplate`` (test texts in
        training bodies), ``query_frames_and_wordings``, ``query_texts``, ``meanings`` (occupation and wishes).
    """
    found = [_seen(postings, queries) for postings, queries in (trained, tested)]
    counts = {name: len(found[0][name] & found[1][name]) for name in found[0]}
    bodies = "\n".join(posting.body for posting in trained[0])
    held_out = [entry for entry in catalogue.occupations if entry.is_held_out]
    in_training = {posting.occupation for posting in trained[0]} | {entry.query.occupation for entry in trained[1]}
    titles = {title for entry in held_out for title in (*entry.titles.train, *entry.titles.test)}
    counts["held_out_occupations"] = sum(entry.key in in_training for entry in held_out)
    counts["held_out_occupations"] += sum(_stands_in(title, bodies) for title in titles)
    counts["boilerplate"] = sum(text in bodies for text in _test_boilerplate(catalogue))
    return counts


def _seen(postings: Iterable[GeneratedPosting], judged: Iterable[Drawn]) -> Mapping[str, set[object]]:
    postings, queries = list(postings), [entry.query for entry in judged]
    facts = [fact for posting in postings for fact in posting.facts]
    return {
        "titles": {posting.posting["title"].casefold() for posting in postings},
        "organisations": {posting.posting["hiringOrganization"]["name"] for posting in postings},
        "phrases": {_pattern(fact) for fact in facts} - {"{s}"},  # a bare name is no wording
        "sentence_templates": {fact.sentence.replace(fact.phrase, "{p}") for fact in facts},
        "query_frames_and_wordings": {wording for query in queries for wording in query.wordings},
        "query_texts": {query.text for query in queries},
        "meanings": {(query.occupation, frozenset(query.constraints)) for query in queries},
    }


def _pattern(fact: Fact) -> str:
    """The phrase without the name or the sum in it."""
    if fact.kind in _NAMED:
        return fact.phrase.replace(fact.value, "{s}")
    return _NUMBER.sub("0", fact.phrase) if fact.kind == "pay" else fact.phrase


def _stands_in(title: str, text: str) -> bool:
    return re.search(rf"\b{re.escape(title)}\b", text) is not None


def _test_boilerplate(catalogue: Catalogue) -> Iterable[str]:
    """The longest part without blanks of each text that only the test may use; headings are too short to tell."""
    styled = [texts for style in catalogue.styles.values() for name, texts in style.texts.items() if "head" not in name]
    for texts in (*catalogue.boilerplate.values(), *styled):
        for text in permitted(texts, Split.EVALUATION):
            yield max(_BLANK.split(text), key=len)
