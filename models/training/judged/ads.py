"""The set ``ads``: queries in the words of O*NET and ESCO over real ads.

Which ads: of USAJOBS and EMSCAD those whose title means one to three O*NET occupations (:mod:`titles`), each body once,
known frauds left out. Ads whose occupation is not known are no candidates: they could not be graded.

Which queries: for a target ad whose title means exactly one occupation, a wording of that occupation (the ad's own
title; an O*NET alternate title; an ESCO label of an occupation that MELO's crosswalk gives) and one or two wishes
that the ad answers. A wording is used only where it names no other occupation. The target is always a candidate, with
grade 4.

Which candidates: up to eight of the same occupation, six related ones, five others that answer a wish, and others at
random, 24 in all. None is chosen by a ranker or by words, so no method is favoured.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Any

from models.training.judged.files import EvaluationData
from models.training.judged.grades import Kinship, grade_of
from models.training.judged.held_out import asked_occupations_slice
from models.training.judged.sets import Item, JudgedSet, Ranking
from models.training.judged.titles import OccupationTitles, title_words
from models.training.judged.wishes import Stated, Wish, draw_wishes, share_of, stated_by
from schemas.posting import job_id_of, read_posting

__all__ = ["Ad", "ads_set", "crosswalk", "draw_rankings", "known_ads", "own_wording", "typed_query"]

_CANDIDATES, _SAME, _RELATED, _ANSWERING = 24, 8, 6, 5
_NUMBER_OF_WISHES = (1, 1, 2)
_OWN, _ONET, _ESCO = "wording: own title", "wording: O*NET alternate title", "wording: ESCO title"
_WORDINGS = (_OWN, _ONET, _ONET, _ESCO)


@dataclass(frozen=True, slots=True)
class Ad:
    """A real ad: how it is read, the occupations that its title may mean, what it states."""

    item: Item
    occupations: frozenset[str]
    stated: Stated


def ads_set(data: EvaluationData, num_rankings: int = 150, seed: int = 11) -> JudgedSet:
    """Make the set; the same arguments give the same one."""
    titles = OccupationTitles.from_rows(data.rows("occupations"))
    ads = known_ads((row for name in ("usajobs", "emscad") for row in data.rows(name)), titles)
    esco = crosswalk(data.rows("melo"), data.rows("esco_occupations"), titles)
    rankings = draw_rankings(Random(seed), ads, titles, esco, num_rankings)
    return JudgedSet(
        "ads", "real ads, O*NET and ESCO queries", {ad.item.key: ad.item for ad in ads}, rankings, is_real=True
    )


def known_ads(postings: Iterable[Mapping[str, Any]], titles: OccupationTitles) -> list[Ad]:
    """The ads that can be graded, each body once."""
    ads, bodies = [], set()
    for posting in postings:
        occupations = titles.occupations_of(posting["title"])
        read = read_posting(posting)
        if not occupations or posting.get("x_fraudulent") or read.body in bodies:
            continue
        bodies.add(read.body)
        ads.append(Ad(Item(job_id_of(posting), read.facts, read.body), occupations, stated_by(posting)))
    return ads


def crosswalk(
    melo: Iterable[Mapping[str, Any]], esco: Iterable[Mapping[str, Any]], titles: OccupationTitles
) -> dict[str, tuple[str, ...]]:
    """ESCO labels by O*NET code: MELO's relevant pairs join an O*NET title to ESCO occupations."""
    labels = {row["id"]: (row["label"], *row.get("alt_labels", ())) for row in esco}
    code_of = {name: code for code, name in titles.names.items()}
    rows = list(melo)
    uri_of = {row["id"]: row["esco_uri"] for row in rows if row["type"] == "doc"}
    found: dict[str, tuple[str, ...]] = {}
    for row in rows:
        if row["type"] == "query" and (code := code_of.get(row["text"])):
            uris = dict.fromkeys(uri_of[doc] for doc in row["relevant"] if doc in uri_of)
            found[code] = tuple(label for uri in uris for label in labels.get(uri, ()))
    return found


def draw_rankings(
    rng: Random, ads: Sequence[Ad], titles: OccupationTitles, esco: Mapping[str, Sequence[str]], num_rankings: int
) -> list[Ranking]:
    """Queries with different texts, at most one a target ad and turn; fewer where the ads do not give so many."""
    drawn: dict[str, Ranking] = {}
    kinships: dict[str, list[Kinship]] = {}
    for _ in range(3):
        targets = [at for at, ad in enumerate(ads) if len(ad.occupations) == 1]
        rng.shuffle(targets)
        for at in targets:
            if len(drawn) == num_rankings:
                return list(drawn.values())
            query = _draw_query(rng, ads[at], titles, esco)
            if query is None or query[0] in drawn:
                continue
            (occupation,) = ads[at].occupations
            if occupation not in kinships:  # asked of all ads, once an occupation
                kinships[occupation] = [_kinship(occupation, ad, titles) for ad in ads]
            drawn[query[0]] = _ranking(rng, at, ads, kinships[occupation], query)
    return list(drawn.values())


def _draw_query(
    rng: Random, target: Ad, titles: OccupationTitles, esco: Mapping[str, Sequence[str]]
) -> tuple[str, tuple[Wish, ...], frozenset[str]] | None:
    """Text, wishes, and the slices: where the wording comes from, whether the occupation is taught."""
    (occupation,) = target.occupations
    source, own = rng.choice(_WORDINGS), title_words(target.item.facts.title)
    if source == _OWN:
        words = [own_wording(target.item.facts.title)]
    elif source == _ONET:
        words = [title for title in titles.clear_wordings(occupation) if title_words(title) != own]
    else:
        onet = titles.clear_wordings(occupation)
        words = [title for title in titles.clear_wordings(occupation, esco.get(occupation, ())) if title not in onet]
    chosen = draw_wishes(rng, target.stated, _NUMBER_OF_WISHES)
    if not words or not chosen:
        return None
    text = typed_query(rng.choice(words), [typed for _, typed in chosen])
    return text, tuple(wish for wish, _ in chosen), frozenset({source, asked_occupations_slice(occupation)})


def own_wording(title: str) -> str:
    """An ad's title as a searcher may word it: without what stands in brackets and behind."""
    return " ".join(title.split("(", maxsplit=1)[0].split())


def typed_query(wording: str, wishes: Sequence[str]) -> str:
    """A query as it is typed."""
    return " ".join((wording, *wishes)).lower()


def _ranking(
    rng: Random,
    target: int,
    ads: Sequence[Ad],
    kinships: Sequence[Kinship],
    query: tuple[str, tuple[Wish, ...], frozenset[str]],
) -> Ranking:
    """A query with candidates; ``target`` is one of ``ads``, ``kinships`` theirs to the occupation meant."""
    text, wishes, slices = query
    others = [at for at in range(len(ads)) if at != target]
    rng.shuffle(others)
    same, related, unrelated = (
        [at for at in others if kinships[at] is wanted] for wanted in (Kinship.SAME, Kinship.RELATED, Kinship.NONE)
    )
    answering = (at for at in unrelated if any(share_of(wish, ads[at].stated) == 1 for wish in wishes))
    chosen = dict.fromkeys([target, *same[: _SAME - 1]])
    chosen |= dict.fromkeys([*related[:_RELATED], *islice(answering, _ANSWERING)])
    for at in unrelated:
        if len(chosen) == _CANDIDATES:
            break
        chosen.setdefault(at)
    candidates = list(chosen)
    rng.shuffle(candidates)
    grades = tuple(grade_of(kinships[at], [share_of(wish, ads[at].stated) for wish in wishes]) for at in candidates)
    slices |= {wish.kind for wish in wishes}
    return Ranking(text, tuple(ads[at].item.key for at in candidates), grades, slices)


def _kinship(occupation: str, ad: Ad, titles: OccupationTitles) -> Kinship:
    if occupation in ad.occupations:
        return Kinship.SAME
    return Kinship.RELATED if titles.is_related(occupation, ad.occupations) else Kinship.NONE
