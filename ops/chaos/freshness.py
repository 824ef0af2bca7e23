"""Whether a strict answer was stale. Pure.

The argument. The store is read before the request is sent (``before``) and after the answer came (``after``). What
``before`` shows was acknowledged before the request, so the answer must not be older.

- Where ``before`` and ``after`` have the same rev, nothing was written in between (rev grows with each write of a job):
  the answer must be exactly that document, and a score must be the engine's for exactly that text. Sharp and sound.
- Where they differ, a write came in between, before or after the scorer's read: the answer must not be of a lower
  version than ``before``, nor bring back a job that was deleted at its version or above. Sound, less sharp.
- In both cases a score that is not the engine's for the text that is returned with it belongs to another version.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models.prompts import RankerPrompt, normalise_query
from ops.chaos.answers import score_of
from schemas.canonical import item_version
from schemas.documents import SummaryDocument

__all__ = ["Finding", "Judge", "is_going_back"]

_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be.

    Attributes:
        count: Which count it adds to.
        job_id: Of which job.
        detail: What was seen.
    """

    count: str
    job_id: str
    detail: str


class Judge:
    """Judges the results of strict scoring calls."""

    def __init__(self, prompt: RankerPrompt) -> None:
        self._prompt = prompt

    def judge(
        self,
        query: str,
        results: Sequence[dict[str, Any]],
        before: dict[str, SummaryDocument],
        after: dict[str, SummaryDocument],
    ) -> list[Finding]:
        """What is wrong with an answer.

        Args:
            query: As sent.
            results: Of a call with ``explain``, each id asked for once.
            before: Stored documents, read before the request was sent.
            after: The same, read after the answer came.
        """
        findings = []
        seen: set[str] = set()
        for result in results:
            job_id = result["job_id"]
            if job_id in seen:
                findings.append(Finding("duplicate_visible", job_id, "twice in one answer"))
            seen.add(job_id)
            why = self._why_stale(query, result, before.get(job_id), after.get(job_id))
            if why:
                findings.append(Finding("stale", job_id, why))
        return findings

    def _why_stale(
        self, query: str, result: dict[str, Any], before: SummaryDocument | None, after: SummaryDocument | None
    ) -> str:
        text = result.get("explain")
        if result["score"] is not None and text is not None and (why := self._why_not_its_score(query, result, text)):
            return why
        if before is None:
            return ""
        if after is not None and before.rev == after.rev:
            return _why_not(before, result)
        return _why_older(before, result, text)

    def _why_not_its_score(self, query: str, result: dict[str, Any], text: dict[str, Any]) -> str:
        if result["item_version"] != item_version(text["header"], text["summary"]):
            return f"item_version {result['item_version']} is not of the text that is returned with it"
        query_ids = self._prompt.query_ids(normalise_query(query))
        due = score_of(query_ids, self._prompt.item_ids(text["header"], text["summary"]))
        if abs(due - result["score"]) > _TOLERANCE:
            return f"score {result['score']:.6f} by {result['source']} is not that of the text, {due:.6f}"
        return ""


def _why_not(document: SummaryDocument, result: dict[str, Any]) -> str:
    """Why the result is not of exactly this document; empty where it is."""
    if document.is_deleted:
        return "" if result["reason"] == "deleted" else f"deleted at rev {document.rev}, answered as {result['reason']}"
    if result["reason"] in {"deleted", "no_summary"}:
        return f"live at rev {document.rev}, answered as {result['reason']}"
    if result["item_version"] not in {None, document.item_version}:
        return f"item_version {document.item_version} at rev {document.rev}, answered {result['item_version']}"
    return ""


def _why_older(before: SummaryDocument, result: dict[str, Any], text: dict[str, Any] | None) -> str:
    if result["reason"] == "no_summary":
        return f"stored at rev {before.rev}, answered as {result['reason']}"
    if text is None:
        return ""
    version = text["source_version"]
    if version < before.source_version:
        return f"version {before.source_version} at rev {before.rev}, answered version {version}"
    if before.is_deleted and version <= before.source_version:
        return f"deleted at version {before.source_version}, answered version {version} as live"
    return ""


def is_going_back(earlier: SummaryDocument, later: SummaryDocument) -> bool:
    """Whether a document that was read later is older: of a lower version, or of a lower rev."""
    return later.source_version < earlier.source_version or later.rev < earlier.rev
