"""What the end state must be, from the log alone. Pure; shares no decision with the services.

The rules are those of DESIGN 4 step 1, applied to the records of a job in the order of the log, undisturbed. They are
written here a second time on purpose: a property test compares this with the real processor.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from models.bundle import PromptLimits
from models.prompts import SummarizerPrompt, TextTokenizer, render_header
from ops.chaos.answers import summary_of
from ops.chaos.records import Broken, Entry, Erased, Gone, Put
from schemas.canonical import content_hash
from schemas.posting import read_posting

__all__ = ["EndState", "ExpectedJob", "Reader", "expected_end"]


@dataclass(frozen=True, slots=True)
class ExpectedJob:
    """A job's document at the end.

    Attributes:
        is_deleted: Whether the job is gone.
        source_version: Version of the last record applied; 0 where only a tombstone was ever seen.
        header: As rendered; kept by a deletion.
        content_hash: Of the body; kept by a deletion.
        summary: By the engine, or the body itself where that is short; not compared for a deleted job, which keeps
            whatever it had, a fallback too.
    """

    is_deleted: bool
    source_version: int
    header: str = ""
    content_hash: str = ""
    summary: str = ""


@dataclass(slots=True)
class EndState:
    """What must be true when every record is settled.

    Attributes:
        jobs: By job id; a job without an applied record is not in it.
        dead: Places (partition, offset) of the records that must be dead-lettered.
    """

    jobs: dict[str, ExpectedJob] = field(default_factory=dict)
    dead: set[tuple[int, int]] = field(default_factory=set)


class Reader:
    """How the services read a posting: header and summary by the tokenizer of the bundles."""

    def __init__(self, tokenizer: TextTokenizer, limits: PromptLimits) -> None:
        self._tokenizer = tokenizer
        self._limits = limits
        self._prompt = SummarizerPrompt(tokenizer, limits)

    def job(self, put: Put) -> ExpectedJob:
        """The document that this posting makes."""
        posting = read_posting(put.posting)
        return ExpectedJob(
            is_deleted=False,
            source_version=put.version,
            header=render_header(posting.facts, self._tokenizer.count, self._limits.header),
            content_hash=content_hash(posting.body),
            summary=self.summary(posting.body),
        )

    def summary(self, body: str) -> str:
        """What must be stored of a body: the engine's answer, or the body itself where that needs no model."""
        is_short = self._tokenizer.count(body) <= self._limits.summary
        return self._prompt.summary(body if is_short else summary_of(body))


def expected_end(entries: Iterable[Entry], reader: Reader) -> EndState:
    """The end state of an undisturbed run.

    Args:
        entries: Every record of the log, in any order.
        reader: Reads postings.
    """
    end = EndState()
    puts: dict[str, Put] = {}
    for entry in sorted(entries, key=lambda entry: (entry.partition, entry.offset)):
        job_id, meaning = entry.planned.job_id, entry.planned.meaning
        stored = end.jobs.get(job_id)
        match meaning:
            case Broken():
                end.dead.add((entry.partition, entry.offset))
            case Erased():
                # In the log's order a tombstone always stands behind what is stored.
                end.jobs[job_id] = _deleted(stored, stored.source_version if stored else 0)
            case Gone(version):
                if stored is None or version >= stored.source_version:
                    end.jobs[job_id] = _deleted(stored, version)
            case Put(version, posting):
                if stored is None or version > stored.source_version:
                    end.jobs[job_id] = reader.job(meaning)
                    puts[job_id] = meaning
                elif version == stored.source_version and not stored.is_deleted and posting != puts[job_id].posting:
                    end.dead.add((entry.partition, entry.offset))
    return end


def _deleted(stored: ExpectedJob | None, version: int) -> ExpectedJob:
    if stored is None:
        return ExpectedJob(is_deleted=True, source_version=version)
    return ExpectedJob(is_deleted=True, source_version=version, header=stored.header, content_hash=stored.content_hash)
