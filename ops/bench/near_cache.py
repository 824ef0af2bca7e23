"""What the scorers' near-cache costs: bytes a posting, and the time to read the candidates of a call."""

import asyncio
import random
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

from models.bundle import Role, load_bundle
from models.prompts import RankerPrompt, TextTokenizer, render_header
from ops.bench.machine import cpu_model
from ops.bench.postings import Catalogue, job_id
from schemas.documents import NumTokens, Origin, State, SummaryDocument
from schemas.posting import read_posting
from serve.near_cache.file import NearCacheFile
from serve.near_cache.moment import now
from serve.near_cache.policy import Identity
from serve.near_cache.read import NearCacheReader

__all__ = ["bench_near_cache"]

_BATCH = 100
_CANDIDATES = 100
_NUM_READS = 300
# Rendering is not what is measured: so many different postings of the catalogue, under as many ids as wished.
_NUM_TEXTS = 64


def bench_near_cache(bundle: Path, *, num_postings: int) -> dict[str, Any]:
    """Fill a file as its feeder does, then read random candidates.

    Args:
        bundle: The ranker's: its limits are the lengths of header and summary, both as long as they may be.
        num_postings: Rows.

    Returns:
        Sizes in bytes and times in milliseconds.
    """
    prompt, documents = _documents(bundle)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "near-cache.sqlite"
        file = NearCacheFile(path, prompt_digest=prompt.digest, tokenise=prompt.item_ids)
        file.empty(Identity("bench", "bench", prompt.digest), {0: 0}, begun=now())
        started_s = time.perf_counter()
        for first in range(0, num_postings, _BATCH):
            numbers = range(first, min(first + _BATCH, num_postings))
            some = [documents[number % _NUM_TEXTS].model_copy(update={"job_id": job_id(number)}) for number in numbers]
            file.apply([(document.job_id, document) for document in some], {0: numbers[-1] + 1}, now())
        filled_s = time.perf_counter() - started_s
        file.close()  # the last connection moves the write-ahead log into the file
        num_bytes = path.stat().st_size
        times_ms = asyncio.run(_read(path, num_postings))
    return {
        "cpu": cpu_model(),
        "postings": num_postings,
        "item_tokens": median(len(ids) for document in documents for ids in document.item_tokens.values()),
        "bytes_per_posting": round(num_bytes / num_postings, 1),
        "mb_per_million": round(num_bytes / num_postings),
        "applied_per_s": round(num_postings / filled_s),
        "candidates": _CANDIDATES,
        "read_ms_p50": round(median(times_ms), 3),
        "read_ms_p99": round(quantiles(times_ms, n=100)[98], 3),
    }


async def _read(path: Path, num_postings: int) -> list[float]:
    reader, rng, times_ms = NearCacheReader(path), random.Random(1), []
    for _ in range(_NUM_READS):
        wanted = [job_id(rng.randrange(num_postings)) for _ in range(_CANDIDATES)]
        started_s = time.perf_counter()
        found = await reader.read(wanted)
        times_ms.append((time.perf_counter() - started_s) * 1e3)
        assert len(found.documents) == len(set(wanted))
    await reader.close()
    return times_ms


def _documents(bundle_path: Path) -> tuple[RankerPrompt, list[SummaryDocument]]:
    bundle = load_bundle(bundle_path, Role.RANKER)
    limits = bundle.manifest.limits
    prompt = RankerPrompt(TextTokenizer.from_file(bundle.tokenizer_file), limits)
    catalogue, at = Catalogue(), datetime(2026, 1, 1, tzinfo=UTC)
    documents = []
    for number in range(_NUM_TEXTS):
        posting = read_posting(catalogue.posting(number, 1))
        header = render_header(posting.facts, prompt.count_tokens, limits.header)
        summary = prompt.extract(posting.body)
        documents.append(
            SummaryDocument(
                job_id=job_id(number),
                source_version=1,
                state=State.FRESH,
                title=posting.facts.title,
                place="; ".join(posting.facts.places),
                header=header,
                summary=summary,
                item_tokens={prompt.digest: tuple(prompt.item_ids(header, summary))},
                content_hash="",
                posting_hash="",
                summarizer=None,
                num_tokens=NumTokens(raw=0, item=0),
                valid_through=at,
                origin=Origin(log="bench", topic="bench", partition=0, offset=0, log_time=at),
                event_time=at,
                summarized_at=at,
                rev=1,
            )
        )
    return prompt, documents
