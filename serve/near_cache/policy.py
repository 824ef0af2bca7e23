"""What the near-cache decides. Pure: the numbers of the steps are those of the package's protocol."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schemas.documents import SummaryDocument
from serve.near_cache.moment import Moment, age_s

__all__ = ["Change", "FileState", "Identity", "Offsets", "changes", "is_caught_up", "is_made_anew", "why_build"]

Offsets = Mapping[int, int]
"""Partition -> offset of the next record."""


Change = tuple[str, SummaryDocument | None]
"""Job id and the document that the log has for it; None removes."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a file's rows and offsets belong to.

    Attributes:
        log_id: The log.
        topic: The changelog.
        prompt_digest: What the rows' token ids are made by.
    """

    log_id: str
    topic: str
    prompt_digest: str


@dataclass(frozen=True, slots=True)
class FileState:
    """How far a file is.

    Attributes:
        identity: What it belongs to.
        offsets: What its rows include.
        begun: When the rows began to follow the log from these offsets on; None while the store is scanned into them.
        caught_up: When they last included all that the log had; None before the first time.
        num_entries: Rows.
    """

    identity: Identity
    offsets: Offsets
    begun: Moment | None
    caught_up: Moment | None
    num_entries: int


def why_build(
    state: FileState | None, identity: Identity, begins: Offsets, ends: Offsets, *, max_age_s: float, at: Moment
) -> str | None:
    """Step 2: why the file cannot be gone on with; None where it can."""
    if state is None:
        return "there is none"
    if state.identity != identity:
        return "it is of another log, topic or prompt"
    if state.offsets.keys() != ends.keys():
        return f"it has {len(state.offsets)} partitions and the topic {len(ends)}"
    if (followed := state.caught_up or state.begun) is None:
        return "the scan into it was cut off"
    age = age_s(followed, at)
    if age is None or age > max_age_s:
        return "it is too old" if age is not None else "the clock was set back, so its age is not known"
    if any(state.offsets[partition] < begins[partition] for partition in ends):
        return "the log has dropped what comes next"
    if is_made_anew(state.offsets, ends):
        return "the log ends before it"
    return None


def is_made_anew(offsets: Offsets, ends: Offsets) -> bool:
    """Step 4: whether the log ends before what was already read of it."""
    return any(ends[partition] < offset for partition, offset in offsets.items())


def changes(records: Iterable[Change], stored_revs: Mapping[str, int]) -> dict[str, SummaryDocument | None]:
    """Step 5: what a batch does to the rows.

    Args:
        records: In the order of the log.
        stored_revs: Of the rows that are there.

    Returns:
        Job id -> the document to keep; None for a row to remove.
    """
    revs, changed = dict(stored_revs), dict[str, SummaryDocument | None]()
    for job_id, document in records:
        if document is None:
            revs.pop(job_id, None)
        elif document.rev > revs.get(job_id, -1):
            revs[job_id] = document.rev
        else:
            continue
        changed[job_id] = document
    return changed


def is_caught_up(offsets: Offsets, ends: Offsets) -> bool:
    """Step 6: whether all that the log had when it was asked is in the rows."""
    return all(offsets.get(partition, -1) >= end for partition, end in ends.items())
