"""A ranker bundle on disk without a model: the small tokenizer, and canaries that the lexical ranker passes."""

from pathlib import Path

from models.bundle import Manifest, PromptLimits, RankerCanary, Role
from models.prompts import RankerPrompt
from schemas.deadline import Deadline
from tests.doubles.engines import LexicalRanker
from tests.doubles.tokenizer import small_tokenizer

__all__ = ["write_ranker_bundle"]

_PAIRS = (
    ("night shift nurse", "Nurse | Clinic | Berlin", "night shift; part time"),
    ("python engineer", "Software engineer | Kafka", "remote work"),
)


async def write_ranker_bundle(path: Path, ranker: LexicalRanker | None = None) -> Path:
    """Write the bundle of the ranker, the usual one by default, into the directory, which must be there."""
    ranker = ranker or LexicalRanker()
    tokenizer, limits = small_tokenizer(), PromptLimits()
    prompt = RankerPrompt(tokenizer, limits)
    canaries = []
    for query, header, summary in _PAIRS:
        query_ids, item_ids = prompt.query_ids(query), prompt.item_ids(header, summary)
        scores = await ranker.score(
            query_ids, [item_ids], label_token_ids=prompt.label_token_ids, deadline=Deadline.after(60)
        )
        canaries.append(
            RankerCanary(
                query=query,
                header=header,
                summary=summary,
                query_ids=tuple(query_ids),
                item_ids=tuple(item_ids),
                score=scores.values[0],
            )
        )
    manifest = Manifest(
        role=Role.RANKER,
        name="ranker-double",
        prompt_version=prompt.version,
        limits=limits,
        label_token_ids=tuple(prompt.label_token_ids),
        canaries=tuple(canaries),
    )
    (path / "precis.json").write_text(manifest.model_dump_json())
    (path / "tokenizer.json").write_text(tokenizer._tokenizer.to_str())  # noqa: SLF001 - the wrapper has no export
    (path / "config.json").write_text("{}")
    (path / "model.safetensors").write_bytes(ranker.model_revision.encode())
    return path
