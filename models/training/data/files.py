"""The sample files that the product ships: postings, and judged queries over them."""

import gzip
import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from models.training.data.corpus import draw_judged, draw_pool
from models.training.data.truth import Split

__all__ = ["SAMPLE_POSTINGS", "SAMPLE_QUERIES", "SAMPLE_SEED", "digest_of", "packed", "sample_files", "write_files"]

SAMPLE_SEED, SAMPLE_POSTINGS, SAMPLE_QUERIES = 20261, 600, 120
"""What the shipped sample was made with; no model was trained on it."""


def sample_files(seed: int, postings: int, queries: int) -> dict[str, bytes]:
    """Names and contents of the sample files; the same arguments give the same bytes.

    Returns:
        ``postings.jsonl.gz``: one JobPosting a line. ``judged.jsonl.gz``: one query a line,
        ``{"query_id", "query", "grades": {job_id: 0..4}}``.
    """
    pool = draw_pool(seed, postings, Split.EVALUATION, "sample")
    judged = draw_judged(seed, pool, queries, Split.EVALUATION)
    rows = (
        {
            "query_id": f"query-{place:04d}",
            "query": entry.query.text,
            "grades": {posting.job_id: grade for posting, grade in zip(entry.candidates, entry.grades, strict=True)},
        }
        for place, entry in enumerate(judged)
    )
    return {
        "postings.jsonl.gz": packed(posting.posting for posting in pool),
        "judged.jsonl.gz": packed(rows),
    }


def write_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write the files into a folder, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)


def digest_of(contents: Mapping[str, bytes]) -> str:
    """SHA-256 over names and contents."""
    digest = hashlib.sha256()
    for name in sorted(contents):
        digest.update(name.encode() + b"\0" + hashlib.sha256(contents[name]).digest())
    return digest.hexdigest()


def packed(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """JSON Lines, gzipped; the same rows give the same bytes."""
    buffer = io.BytesIO()
    # No file name and no time in the archive: the bytes depend on the content only.
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0) as archive:
        for row in rows:
            archive.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    return buffer.getvalue()
