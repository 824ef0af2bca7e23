"""What of the evaluation data may be taught: all that :mod:`models.training.judged.held_out` leaves."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.prompts import sentences
from models.training.judged import EvaluationData, JudgedSet, ads_set, melo_set
from models.training.judged.held_out import is_never_taught, judged_runs, without_wordings
from models.training.judged.titles import OccupationTitles, Words, title_words
from schemas.posting import job_id_of

__all__ = ["Employers", "Teachable", "asked_occupations"]

_SENTENCE_CHARS = range(30, 240)


@dataclass(frozen=True, slots=True)
class Employers:
    """What real employers say of themselves: localities, names, sentences."""

    towns: Sequence[str]
    names: Sequence[str]
    sentences: Sequence[str]


@dataclass(frozen=True, slots=True)
class Teachable:
    """What of the evaluation data may be taught.

    Attributes:
        known: All titles of all occupations, for grading.
        rows: Of ``occupations.jsonl.gz``: with tasks, without the wordings that are judged.
        asked: Occupations that a judged query may mean.
        never: Those of them that are taught nowhere.
        runs: Words that stand together in a judged query or title.
        ads: The judged real ads.
        real: Rows of the other real ads.
        employers: Of these.
    """

    known: OccupationTitles
    rows: Sequence[Mapping[str, Any]]
    asked: frozenset[str]
    never: frozenset[str]
    runs: frozenset[Words]
    ads: JudgedSet
    real: Sequence[Mapping[str, Any]]
    employers: Employers

    @classmethod
    def of(cls, data: EvaluationData) -> "Teachable":
        """Read it."""
        occupations, ads, melo = list(data.rows("occupations")), ads_set(data), melo_set(data)
        known = OccupationTitles.from_rows(occupations)
        asked, runs = asked_occupations(known, ads, melo), judged_runs((ads, melo))
        never = frozenset(code for code in asked if is_never_taught(code))
        rows = (row for row in occupations if row.get("tasks") and row["onet_code"] not in never)
        real = [row for name in ("usajobs", "emscad") for row in data.rows(name) if job_id_of(row) not in ads.items]
        taught = [left for row in rows if (left := without_wordings(row, runs))]
        return cls(known, taught, asked, never, runs, ads, real, _employers(data, real, ads))

    def unjudged(self, texts: Iterable[str]) -> Iterator[str]:
        """Those whose words stand in no judged query and no judged title."""
        return (text for text in texts if title_words(text) not in self.runs)


def asked_occupations(titles: OccupationTitles, ads: JudgedSet, melo: JudgedSet) -> frozenset[str]:
    """Every occupation that a query of the judged sets may mean."""
    code_of = {name: code for code, name in titles.names.items()}
    asked = {code_of[ranking.query] for ranking in melo.rankings if ranking.query in code_of}
    for ranking in ads.rankings:
        best = max(ranking.grades)
        for key, grade in zip(ranking.keys, ranking.grades, strict=True):
            if grade == best:
                asked |= titles.occupations_of(ads.items[key].facts.title)
    return frozenset(asked)


def _employers(data: EvaluationData, rows: Sequence[Mapping[str, Any]], judged: JudgedSet) -> Employers:
    """Of real ads that are not judged; sentences of company profiles, without those that a judged ad has too."""
    towns = {row.get("jobLocation", {}).get("address", {}).get("addressLocality", "") for row in rows}
    names = {row.get("hiringOrganization", {}).get("name", "") for row in rows}
    known = {sentence for item in judged.items.values() for sentence in sentences(item.body)}
    said = (
        sentence
        for row in data.rows("emscad_raw")
        for sentence in sentences(row.get("company_profile", ""))
        if len(sentence) in _SENTENCE_CHARS and sentence not in known
    )
    return Employers(sorted(towns - {""}), sorted(names - {""}), list(dict.fromkeys(said)))
