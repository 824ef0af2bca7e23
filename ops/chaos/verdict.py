"""The end of a segment compared with the oracle. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ops.chaos.freshness import Finding
from ops.chaos.oracle import EndState, ExpectedJob
from schemas.documents import PostingDocument, State, SummaryDocument

__all__ = ["Seen", "compare"]


@dataclass(frozen=True, slots=True)
class Seen:
    """What stands at the end.

    Attributes:
        documents: Stored documents by job id, of every job that could be there.
        postings: Stored postings by job id.
        changelog: Keys and documents of ``job-summaries`` from its beginning, in order of each partition.
        dead: Original places in the dead-letter topic.
    """

    documents: Mapping[str, SummaryDocument]
    postings: Mapping[str, PostingDocument]
    changelog: Sequence[tuple[str, SummaryDocument]]
    dead: frozenset[tuple[int, int]] = field(default_factory=frozenset)


def compare(end: EndState, seen: Seen) -> list[Finding]:
    """What must not be; see the package for what each count means."""
    written: dict[str, set[int]] = {}
    last: dict[str, SummaryDocument] = {}
    for key, document in seen.changelog:
        written.setdefault(key, set()).add(document.source_version)
        last[key] = document
    findings = []
    for job_id in sorted(end.jobs.keys() | seen.documents.keys()):
        expected, stored = end.jobs.get(job_id), seen.documents.get(job_id)
        findings += _job(job_id, expected, stored, seen.postings.get(job_id), written.get(job_id, set()))
    findings += _changelog(seen.documents, last)
    for key, document in seen.changelog:
        if key != document.job_id:
            findings.append(Finding("duplicate_visible", document.job_id, f"published under key {key!r}"))
    findings += [Finding("dead_letters", "", f"{place} is missing") for place in sorted(end.dead - seen.dead)]
    findings += [Finding("dead_letters", "", f"{place} is none") for place in sorted(seen.dead - end.dead)]
    return findings


def _job(
    job_id: str,
    expected: ExpectedJob | None,
    stored: SummaryDocument | None,
    posting: PostingDocument | None,
    written: set[int],
) -> list[Finding]:
    if expected is None:
        assert stored is not None, "one of the two is there"
        return [Finding("lost", job_id, f"version {stored.source_version} stands though no record made it")]
    if stored is None:
        return [Finding("lost", job_id, f"version {expected.source_version} is missing")]
    if stored.source_version < expected.source_version:
        count = "misordered" if expected.source_version in written else "lost"
        return [Finding(count, job_id, f"version {stored.source_version} stands, not {expected.source_version}")]
    findings = [Finding("lost", job_id, why) for why in _differences(expected, stored)]
    if not expected.is_deleted and (posting is None or posting.source_version != stored.source_version):
        at = posting.source_version if posting else None
        findings.append(Finding("lost", job_id, f"posting of version {at} beside summary of {stored.source_version}"))
    return findings


def _differences(expected: ExpectedJob, stored: SummaryDocument) -> list[str]:
    due: dict[str, object] = {
        "source_version": expected.source_version,
        "state": State.DELETED if expected.is_deleted else State.FRESH,
        "header": expected.header,
        "content_hash": expected.content_hash,
    }
    if not expected.is_deleted:
        due["summary"] = expected.summary
    values = {name: getattr(stored, name) for name in due}
    return [f"{name} is {values[name]!r}, not {value!r}" for name, value in due.items() if values[name] != value]


def _changelog(documents: Mapping[str, SummaryDocument], last: Mapping[str, SummaryDocument]) -> list[Finding]:
    findings = []
    for job_id in sorted(documents.keys() | last.keys()):
        stored, published = documents.get(job_id), last.get(job_id)
        if stored != published:
            at = [document.rev if document else None for document in (stored, published)]
            findings.append(Finding("changelog_behind", job_id, f"stored at rev {at[0]}, published at rev {at[1]}"))
    return findings
