"""Two bundles without weights: the shipped tokenizer, and canaries that the harness's engine passes."""

import random
import shutil
from dataclasses import dataclass
from pathlib import Path

from models.bundle import Manifest, PromptLimits, RankerCanary, Role, SummarizerCanary
from models.prompts import RankerPrompt, SummarizerPrompt, TextTokenizer
from ops.chaos.answers import score_of, summary_of
from ops.chaos.texts import long_body

__all__ = ["Bundles", "write_bundles"]


@dataclass(frozen=True, slots=True)
class Bundles:
    """Where they are, and what reads and writes as they say.

    Attributes:
        summarizer: Directory.
        ranker: Directory.
        tokenizer: Of both.
        limits: Of both.
        prompt: The ranker's.
    """

    summarizer: Path
    ranker: Path
    tokenizer: TextTokenizer
    limits: PromptLimits
    prompt: RankerPrompt


def write_bundles(directory: Path, tokenizer_file: Path) -> Bundles:
    """Write both below the directory.

    Args:
        directory: Made where it is missing.
        tokenizer_file: ``tokenizer.json`` of a shipped bundle.
    """
    tokenizer, limits = TextTokenizer.from_file(tokenizer_file), PromptLimits()
    prompt = RankerPrompt(tokenizer, limits)
    summarizer = _write(directory / "summarizer", tokenizer_file, _summarizer(tokenizer, limits))
    ranker = _write(directory / "ranker", tokenizer_file, _ranker(prompt, limits))
    return Bundles(summarizer=summarizer, ranker=ranker, tokenizer=tokenizer, limits=limits, prompt=prompt)


def _summarizer(tokenizer: TextTokenizer, limits: PromptLimits) -> Manifest:
    prompt = SummarizerPrompt(tokenizer, limits)
    body = long_body(random.Random(0), 0)
    text = summary_of(body)
    canary = SummarizerCanary(
        body=body, prompt_ids=tuple(prompt.prompt_ids(body)), output_ids=tuple(tokenizer.encode(text)), text=text
    )
    return Manifest(
        role=Role.SUMMARIZER,
        name="chaos-summarizer",
        prompt_version=prompt.version,
        limits=limits,
        is_extractive=True,
        canaries=(canary,),
    )


def _ranker(prompt: RankerPrompt, limits: PromptLimits) -> Manifest:
    query, header, summary = "night shift nurse", "Nurse level 3 | Chaos Works", "check patients"
    query_ids, item_ids = prompt.query_ids(query), prompt.item_ids(header, summary)
    canary = RankerCanary(
        query=query,
        header=header,
        summary=summary,
        query_ids=tuple(query_ids),
        item_ids=tuple(item_ids),
        score=score_of(query_ids, item_ids),
    )
    return Manifest(
        role=Role.RANKER,
        name="chaos-ranker",
        prompt_version=prompt.version,
        limits=limits,
        label_token_ids=tuple(prompt.label_token_ids),
        canaries=(canary,),
    )


def _write(directory: Path, tokenizer_file: Path, manifest: Manifest) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "precis.json").write_text(manifest.model_dump_json())
    shutil.copyfile(tokenizer_file, directory / "tokenizer.json")
    (directory / "config.json").write_text("{}")
    (directory / "model.safetensors").write_bytes(b"")
    return directory
