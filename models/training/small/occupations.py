"""Ads in the words of O*NET: what the small ranker learns occupations from.

An ad is made of one occupation: a title that O*NET lists for it, some of its tasks, and typed facts at random.
Sentences in which real companies present themselves stand before the tasks, as real ads begin. Queries, candidates and
grades follow from the rules of the judged real ads (:mod:`models.training.judged`).

What is held out of the occupations that judged queries ask for, :mod:`models.training.judged.held_out` says: a third
altogether, of the others every wording that is judged, and of all of them ESCO's labels.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from models.training.judged import EvaluationData, Item, JudgedSet, Ranking
from models.training.judged.ads import Ad, crosswalk, draw_rankings, known_ads
from models.training.judged.titles import OccupationTitles
from models.training.judged.wishes import stated_by
from models.training.small.teachable import Employers, Teachable
from schemas.posting import job_id_of, read_posting

__all__ = ["OccupationWorld", "draw_world", "unjudged_ads", "written_ad"]

_RANKS = ("Senior", "Junior", "Lead", "Principal", "Sr.", "Experienced")
_RANKED_SHARE = 0.2
_EMPLOYMENT = ("FULL_TIME", "FULL_TIME", "PART_TIME", "CONTRACTOR", "TEMPORARY", "")
_LEVELS = ("Entry level", "Mid-Senior level", "Internship", "Director", "Executive", "", "", "")
_DEGREES = ("Bachelor's Degree", "Master's Degree", "High School or equivalent", "Associate Degree", "", "", "")
_CLEARANCES = ("Secret", "Top Secret", "Public Trust", "", "", "", "", "")
_GRADES, _GRADED_SHARE = range(4, 16), 0.2
_PAID_SHARE, _REMOTE_SHARE, _PLACED_SHARE, _NAMED_SHARE = 0.5, 0.1, 0.85, 0.3
_MOST_COMPANY_SENTENCES, _TASKS = 3, (2, 5)


@dataclass(frozen=True, slots=True)
class OccupationWorld:
    """Ads, and queries over them.

    Attributes:
        ads: By key.
        rankings: Queries with their graded candidates.
        titles: Which title names which occupation.
        occupations: Those that are taught.
        esco: ESCO's labels of some of them.
        other_esco: ESCO's labels of other occupations, none of them asked for.
        real: Real ads that are not judged; which occupation their titles mean is not known.
    """

    ads: Mapping[str, Ad]
    rankings: Sequence[Ranking]
    titles: OccupationTitles
    occupations: Sequence[str]
    esco: Mapping[str, Sequence[str]]
    other_esco: Sequence[str]
    real: Sequence[Ad]

    def split(self, num_last: int) -> tuple["OccupationWorld", "OccupationWorld"]:
        """One world with all queries but the last ones, and one with these."""
        return replace(self, rankings=self.rankings[:-num_last]), replace(self, rankings=self.rankings[-num_last:])

    def digest(self) -> str:
        """Identity of all that is taught: SHA-256 over ads, queries with grades, and titles."""
        digest = hashlib.sha256()
        for ad in (*self.ads.values(), *self.real):
            digest.update(f"{ad.item.key}\0{ad.item.facts}\0{ad.item.body}\0".encode())
        for ranking in self.rankings:
            digest.update(f"{ranking.query}\0{ranking.keys}\0{ranking.grades}\0".encode())
        for code in self.occupations:
            digest.update(f"{code}\0{self.titles.wordings[code]}\0{self.esco.get(code, ())}\0".encode())
        digest.update("\0".join(self.other_esco).encode())
        return digest.hexdigest()


def draw_world(data: EvaluationData, seed: int, num_ads: int, num_rankings: int) -> OccupationWorld:
    """Ads of all occupations that are taught, in turn, and queries for them; the same arguments, the same world.

    Args:
        data: The evaluation data, O*NET among them.
        seed: Of every choice.
        num_ads: Ads that are written; those whose title O*NET gives to more than three occupations go.
        num_rankings: Most queries.
    """
    rng, source = Random(f"{seed}/occupations"), Teachable.of(data)
    known, taught = source.known, source.rows
    titles = known.as_worded_by(taught)
    written = (
        written_ad(rng, f"onet-{number}", taught[number % len(taught)], source.employers) for number in range(num_ads)
    )
    ads = [ad for ad in known_ads(written, known) if not ad.occupations & source.never]
    joined = crosswalk(data.rows("melo"), data.rows("esco_occupations"), known)
    held_labels = {label for code in source.asked for label in joined.get(code, ())}
    codes = [row["onet_code"] for row in taught]
    esco = {code: [text for text in source.unjudged(joined.get(code, ())) if text not in held_labels] for code in codes}
    rankings = draw_rankings(rng, ads, titles, esco, num_rankings)
    named = {label for found in joined.values() for label in found}
    labels = (label for row in data.rows("esco_occupations") for label in (row["label"], *row.get("alt_labels", ())))
    others = (label for label in source.unjudged(labels) if label not in named)
    return OccupationWorld(
        ads={ad.item.key: ad for ad in ads},
        rankings=rankings,
        titles=titles,
        occupations=codes,
        esco=esco,
        other_esco=list(dict.fromkeys(others)),
        real=unjudged_ads(source.real, source.ads),
    )


def unjudged_ads(rows: Iterable[Mapping[str, Any]], judged: JudgedSet) -> list[Ad]:
    """Each body once, none of a judged ad and no known fraud; no occupation is said to be theirs."""
    bodies = {item.body for item in judged.items.values()}
    ads = []
    for row in rows:
        read = read_posting(row)
        if read.body not in bodies and not row.get("x_fraudulent"):
            bodies.add(read.body)
            ads.append(Ad(Item(job_id_of(row), read.facts, read.body), frozenset(), stated_by(row)))
    return ads


def written_ad(rng: Random, identifier: str, occupation: Mapping[str, Any], employers: Employers) -> dict[str, Any]:
    """An ad for an occupation, as schema.org ``JobPosting``.

    Args:
        rng: Of every choice.
        identifier: Its identity.
        occupation: Row of ``occupations.jsonl.gz``.
        employers: Who may look for somebody.
    """
    names = (occupation["title"], *occupation.get("alternate_titles", ()), *occupation.get("reported_titles", ()))
    title = rng.choice(names)
    if rng.random() < _RANKED_SHARE:
        title = f"{rng.choice(_RANKS)} {title}"
    tasks = occupation["tasks"]
    body = rng.sample(employers.sentences, rng.randint(0, _MOST_COMPANY_SENTENCES))
    body += rng.sample(tasks, min(len(tasks), rng.randint(*_TASKS)))
    ad: dict[str, Any] = {"identifier": identifier, "title": title}
    if clearance := rng.choice(_CLEARANCES):
        ad["x_clearance"] = clearance
        body.append(f"{clearance} clearance is required.")
    if rng.random() < _GRADED_SHARE:
        ad["x_gs_grades"] = [rng.choice(_GRADES)]
        body.append(f"The grade is GS-{ad['x_gs_grades'][0]}.")
    ad |= _typed_facts(rng, employers)
    return {**ad, "description": "\n".join(body)}


def _typed_facts(rng: Random, employers: Employers) -> dict[str, Any]:
    """What the header tells, and what the fields for experience and education do."""
    facts: dict[str, Any] = {}
    if rng.random() < _NAMED_SHARE:
        facts["hiringOrganization"] = {"@type": "Organization", "name": rng.choice(employers.names)}
    if rng.random() < _PLACED_SHARE:
        facts["jobLocation"] = {"@type": "Place", "address": {"addressLocality": rng.choice(employers.towns)}}
    if rng.random() < _REMOTE_SHARE:
        facts["jobLocationType"] = "TELECOMMUTE"
    if rng.random() < _PAID_SHARE:
        least = rng.randrange(20, 150) * 1000
        most = least + rng.randrange(1, 40) * 1000
        value = {"@type": "QuantitativeValue", "minValue": least, "maxValue": most, "unitText": "YEAR"}
        facts["baseSalary"] = {"@type": "MonetaryAmount", "currency": "USD", "value": value}
    drawn = {
        "employmentType": rng.choice(_EMPLOYMENT),
        "experienceRequirements": rng.choice(_LEVELS),
        "educationRequirements": rng.choice(_DEGREES),
    }
    return facts | {name: value for name, value in drawn.items() if value}
