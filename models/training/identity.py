"""Identity of training data and of runs: what says whether two of them are the same."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from models.training.data import GeneratedPosting, JudgedQuery

__all__ = ["data_digest", "fingerprint"]


def data_digest(postings: Iterable[GeneratedPosting], judged: Iterable[JudgedQuery] = ()) -> str:
    """Identity of training data: SHA-256 over bodies and targets, and over queries with their grades."""
    digest = hashlib.sha256()
    for posting in postings:
        digest.update(f"{posting.job_id}\0{posting.body}\0{posting.summary}\0".encode())
    for entry in judged:
        candidates = ",".join(posting.job_id for posting in entry.candidates)
        digest.update(f"{entry.query.text}\0{candidates}\0{entry.grades}\0".encode())
    return digest.hexdigest()


def fingerprint(provenance: Mapping[str, Any]) -> str:
    """Identity of a run: sixteen hexadecimal digits over its settings, bundles, data and versions."""
    return hashlib.sha256(json.dumps(provenance, sort_keys=True).encode()).hexdigest()[:16]
