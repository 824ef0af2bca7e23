"""Two bundles on disk without models: the small tokenizer, and canaries that the scripted summarizer passes."""

from pathlib import Path

from models.bundle import Manifest, PromptLimits, Role, SummarizerCanary
from models.prompts import RankerPrompt, SummarizerPrompt
from tests.doubles.engines import digest_text
from tests.doubles.tokenizer import small_tokenizer

__all__ = ["LONG_BODY", "write_bundles"]

LONG_BODY = "Registered nurse in Berlin, night shift, part time. " * 12
"""Longer than the target, so that a model is asked."""


def write_bundles(directory: Path) -> tuple[Path, Path]:
    """Directories of the summarizer's and the ranker's bundle."""
    tokenizer, limits = small_tokenizer(), PromptLimits()
    prompt_ids = SummarizerPrompt(tokenizer, limits).prompt_ids(LONG_BODY)
    text = digest_text(prompt_ids)
    canary = SummarizerCanary(
        body=LONG_BODY, prompt_ids=tuple(prompt_ids), output_ids=tuple(tokenizer.encode(text)), text=text
    )
    summarizer = Manifest(
        role=Role.SUMMARIZER, name="double", prompt_version=SummarizerPrompt.version, limits=limits, canaries=(canary,)
    )
    ranker = Manifest(
        role=Role.RANKER,
        name="double",
        prompt_version=RankerPrompt.version,
        limits=limits,
        label_token_ids=RankerPrompt(tokenizer, limits).label_token_ids,
    )
    return _write(directory / "summarizer", summarizer), _write(directory / "ranker", ranker)


def _write(directory: Path, manifest: Manifest) -> Path:
    directory.mkdir()
    (directory / "precis.json").write_text(manifest.model_dump_json())
    (directory / "tokenizer.json").write_text(small_tokenizer()._tokenizer.to_str())  # noqa: SLF001 - no export
    (directory / "config.json").write_text("{}")
    (directory / "model.safetensors").write_bytes(b"")
    return directory
