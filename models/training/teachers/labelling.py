"""`precis label teacher`: pairs in, a label file out. A run goes on where another ended.

1. Read all pairs once: lines are checked, and the places that postings name are learnt. 2. Open the label file: other
settings are refused. 3. Score, judge by the rules, label, append, pair by pair.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, JsonValue

from models.labels.files import Header, Label, make_header
from models.labels.growing import GrowingLabels, finished_pairs, open_growing
from models.labels.judgement import MAX_GRADE
from models.labels.lines import Row, parse_row, read_rows
from models.labels.pairs import Pair, PostingText, read_pairs, read_posting_texts
from models.labels.teachers.asked import read_query
from models.labels.teachers.mapping import TeacherMap
from models.labels.teachers.places import Gazetteer
from models.labels.teachers.rules import RULES, Finding, Verdict, findings
from models.labels.teachers.weights import TEACHERS
from models.training.teachers.encoder import MAX_TOKENS, Encoder
from models.training.teachers.scoring import Scorer, Work
from schemas.canonical import content_hash
from schemas.errors import ConfigurationError

__all__ = ["METHOD", "LabelConfig", "Labelled", "TeacherLabel", "label_pairs", "read_teacher_labels"]

METHOD = "teacher"
_DIGITS_KEPT = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelConfig:
    """What is labelled, and how."""

    pairs: Path
    postings: Path | None
    """Where the postings stand that the pairs only name."""
    out: Path
    map: TeacherMap
    weights: Path
    """Folder of the jars."""
    scores: Path | None = None
    """A label file whose cosines are taken over: another map then needs no embedding."""
    max_passages: int = 8


@dataclass(slots=True)
class Labelled:
    """What a run did.

    Attributes:
        num_pairs: Different ones in the file.
        num_finished: Of these, those that had a label.
        num_labelled: Those that this run labelled.
        num_reused: Of these, those whose cosines came from ``LabelConfig.scores``.
        work: Of each teacher.
        is_whole: No, where Ctrl-C ended it.
    """

    num_pairs: int
    num_finished: int
    num_labelled: int = 0
    num_reused: int = 0
    work: dict[str, Work] = field(default_factory=dict)
    is_whole: bool = True


class FoundWish(Row):
    """A finding of the rules, in a label."""

    kind: str
    verdict: Annotated[Verdict, Field(strict=False)]
    reason: str


class TeacherLabel(Label):
    """A line of a teachers' label file.

    Attributes:
        score: x of the map.
        cosines: By the teacher's name, one a passage; the map has no part in them.
        rules: What the rules found.
    """

    score: float
    cosines: dict[str, Annotated[list[float], Field(min_length=1)]]
    rules: list[FoundWish]

    def findings(self) -> tuple[Finding, ...]:
        """As the rules gave them."""
        return tuple(Finding(rule.kind, rule.verdict, rule.reason) for rule in self.rules)


def label_pairs(config: LabelConfig, on_progress: Callable[[int, int], None] = lambda _done, _total: None) -> Labelled:
    """Do it; Ctrl-C leaves a whole file.

    Args:
        config: What and how.
        on_progress: Told after each pair how many are labelled and how many were to be.

    Raises:
        PrecisError: A line is wrong, a file or the weights cannot be read, the label file has other settings.
    """
    texts = read_posting_texts(config.postings) if config.postings else {}
    known, keys = _survey(config.pairs, texts)
    header = make_header(METHOD, _settings(config, known))
    cosines = _cosines_of(config) if config.scores else {}
    done = Labelled(len(keys), len(keys & finished_pairs(config.out, header)))
    if done.num_finished == done.num_pairs:
        return done
    scorer = Scorer(
        {teacher.name: Encoder(teacher, config.weights) for teacher in TEACHERS} if keys - cosines.keys() else {},
        max_passages=config.max_passages,
    )
    done.work = scorer.work
    with open_growing(config.out, header) as labels:
        try:
            for pair in _unlabelled(config.pairs, texts, labels):
                found = cosines.get(pair.key)
                done.num_reused += found is not None
                labels.append(pair.key, _row(pair, found or scorer.cosines(pair), config.map, known))
                done.num_labelled += 1
                on_progress(done.num_labelled, done.num_pairs - done.num_finished)
        except KeyboardInterrupt:
            done.is_whole = False
    return done


def read_teacher_labels(path: Path) -> tuple[Header, list[TeacherLabel]]:
    """Header and labels of a file that teachers wrote; a torn last line is left out.

    Raises:
        ConfigurationError: It cannot be read, or others wrote it.
        InvalidInput: A line is wrong.
    """
    rows = read_rows(path)
    place, line = next(rows, (f"{path.name}:1", b"{}"))
    header = parse_row(place, line, Header)
    if header.method != METHOD:
        raise ConfigurationError(f"{str(path)!r} was not made by `precis label teacher`, but by {header.method!r}")
    return header, [parse_row(place, line, TeacherLabel) for place, line in rows if line.endswith(b"\n")]


def _survey(path: Path, texts: Mapping[str, PostingText]) -> tuple[Gazetteer, set[str]]:
    """Places of all postings, those of the pairs and those beside them, and the identities of the pairs."""
    facts = {posting.facts for posting in texts.values() if posting.facts}
    keys = set()
    for pair in read_pairs(path, texts):
        keys.add(pair.key)
        if pair.facts:
            facts.add(pair.facts)
    return Gazetteer.of(facts), keys


def _settings(config: LabelConfig, known: Gazetteer) -> dict[str, JsonValue]:
    """All that changes a label."""
    return {
        "teachers": {teacher.name: teacher.sha256 for teacher in TEACHERS},
        "max_tokens": MAX_TOKENS,
        "max_passages": config.max_passages,
        "rules": RULES,
        "places": content_hash(" ".join(f"{name}:{level}" for name, level in sorted(known.levels.items()))),
        "map": config.map.model_dump(mode="json"),
    }


_SETTINGS_OF_COSINES = ("teachers", "max_tokens", "max_passages")


def _cosines_of(config: LabelConfig) -> dict[str, dict[str, list[float]]]:
    assert config.scores is not None
    header, labels = read_teacher_labels(config.scores)
    wanted = _settings(config, Gazetteer({}))
    differing = [name for name in _SETTINGS_OF_COSINES if header.settings.get(name) != wanted[name]]
    if differing:
        raise ConfigurationError(f"{str(config.scores)!r} was scored with other settings: {', '.join(differing)}")
    return {label.pair: label.cosines for label in labels if label.pair}


def _unlabelled(path: Path, texts: Mapping[str, PostingText], labels: GrowingLabels) -> Iterator[Pair]:
    return (pair for pair in read_pairs(path, texts) if pair.key not in labels.finished)


def _row(pair: Pair, cosines: Mapping[str, Sequence[float]], chosen: TeacherMap, known: Gazetteer) -> dict[str, Any]:
    found: Sequence[Finding] = findings(read_query(pair.query, known), pair.facts) if pair.facts else ()
    rounded = {name: [round(cosine, _DIGITS_KEPT) for cosine in row] for name, row in cosines.items()}
    score = chosen.score(rounded, found)
    label = round(chosen.label(score), _DIGITS_KEPT)
    return {
        "pair": pair.key,
        **({} if pair.query_id is None else {"query_id": pair.query_id}),
        "query": pair.query,
        "job_id": pair.job_id,
        "label": label,
        "grade": round(MAX_GRADE * label, _DIGITS_KEPT),
        "method": METHOD,
        "score": round(score, _DIGITS_KEPT),
        "cosines": rounded,
        "rules": [
            {"kind": finding.kind, "verdict": finding.verdict.value, "reason": finding.reason} for finding in found
        ],
    }
