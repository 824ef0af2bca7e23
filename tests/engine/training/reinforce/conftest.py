"""The shipped models, and a small training set."""

from pathlib import Path

import pytest
import torch

from models.bundle import Bundle, Role, load_bundle
from models.prompts import SummarizerPrompt, TextTokenizer
from models.training.corpora import training_corpus
from models.training.reinforce.episodes import Episode, Reference, draw_episodes
from models.training.reinforce.reader import Reader

BUNDLES = Path(__file__).parents[4] / "models" / "bundles"


@pytest.fixture(autouse=True)
def _threads() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def ranker() -> Bundle:
    return load_bundle(BUNDLES / "ranker-tiny", Role.RANKER)


@pytest.fixture(scope="session")
def summarizer() -> Bundle:
    return load_bundle(BUNDLES / "summarizer-tiny", Role.SUMMARIZER)


@pytest.fixture(scope="session")
def reader(ranker: Bundle) -> Reader:
    return Reader(ranker)


@pytest.fixture(scope="session")
def tokenizer(summarizer: Bundle) -> TextTokenizer:
    return TextTokenizer.from_file(summarizer.tokenizer_file)


@pytest.fixture(scope="session")
def prompt(summarizer: Bundle, tokenizer: TextTokenizer) -> SummarizerPrompt:
    """Bodies are cut after 120 tokens and summaries after 16: the same code in a tenth of the time."""
    limits = summarizer.manifest.limits.model_copy(update={"body": 120, "summary": 16})
    return SummarizerPrompt(tokenizer, limits)


@pytest.fixture(scope="session")
def episodes(prompt: SummarizerPrompt, tokenizer: TextTokenizer, reader: Reader) -> list[Episode]:
    """Eight postings, two queries each; p_raw is read from their facts, which are short."""
    return draw_episodes(
        training_corpus(24, 48),
        2,
        1,
        prompt=prompt,
        tokenizer=tokenizer,
        header=reader.header,
        reference=Reference.FACTS,
    )[:8]
