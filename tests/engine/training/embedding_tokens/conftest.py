"""The shipped ranker, a small training set, and an encoder of four vectors."""

from pathlib import Path

import pytest
import torch
from transformers import Qwen3ForCausalLM

from models.bundle import Bundle, Role, load_bundle
from models.prompts import RankerPrompt, TextTokenizer
from models.training.corpora import Corpus, training_corpus
from models.training.embedding_tokens.encoder import Encoder, encoder_of
from models.training.embedding_tokens.material import Materials
from models.training.export import load_weights
from models.training.ranker_data import RankerData


@pytest.fixture(autouse=True)
def _threads() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    return load_bundle(Path(__file__).parents[4] / "models" / "bundles" / "ranker-tiny", Role.RANKER)


@pytest.fixture
def ranker(bundle: Bundle) -> Qwen3ForCausalLM:
    return load_weights(bundle.path)


@pytest.fixture
def encoder(ranker: Qwen3ForCausalLM) -> Encoder:
    return encoder_of(ranker, 4, seed=3)


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    return training_corpus(240, 60)


@pytest.fixture(scope="session")
def materials(bundle: Bundle, corpus: Corpus) -> Materials:
    """Bodies are cut after 40 tokens: the same code in a tenth of the time."""
    limits = bundle.manifest.limits.model_copy(update={"body": 40})
    text = TextTokenizer.from_file(bundle.tokenizer_file)
    prompt = RankerPrompt(text, limits)
    data = RankerData(corpus.judged, text, prompt, limits.header, seed=3)
    return Materials(corpus, prompt, data, seed=3)
