"""The tokenizers of the tiny models: byte-level BPE, trained on generated text."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from models.prompts import SPECIAL_TOKENS
from models.training.data import GeneratedPosting, JudgedQuery

__all__ = ["LABELS", "VOCABULARY_SIZE", "corpus_texts", "train_tokenizer", "write_tokenizer"]

VOCABULARY_SIZE = 4096
LABELS = (" yes", " no")
"""What the ranker answers; a single token each."""

WORDS_ALIKE = normalizers.Sequence(
    [normalizers.Lowercase(), normalizers.Prepend(" "), normalizers.Replace(Regex(r"\A (?!\p{L})"), "")]
)
"""For rankers: a word is the same tokens in query and item, at the beginning and inside, capital or not. Otherwise a
match of an unknown word could not be seen."""

# A label becomes one token because it is frequent in the training text, as in any byte-level BPE: no added tokens, for
# they would match inside words ("November").
_LABEL_REPEATS = 2000


def corpus_texts(postings: Iterable[GeneratedPosting], queries: Iterable[JudgedQuery]) -> Iterator[str]:
    """What the tokenizer learns from: bodies, the readable part of headers, queries, labels."""
    for posting in postings:
        yield posting.body
        place = posting.posting["jobLocation"]["address"]
        organisation = posting.posting["hiringOrganization"]["name"]
        where = ", ".join((place["addressLocality"], place["addressRegion"], place["addressCountry"]))
        yield f"{posting.posting['title']} | {organisation} | {where} | remote | full time | part time"
        yield f" | GBP 20000-30000/year | posted {posting.posting['datePosted']} | skills: teamwork"
        yield posting.summary
    for judged in queries:
        yield judged.query.text
    for label in LABELS:
        yield from [label] * _LABEL_REPEATS


def train_tokenizer(
    texts: Iterable[str], vocabulary_size: int = VOCABULARY_SIZE, normalizer: normalizers.Normalizer | None = None
) -> Tokenizer:
    """Train byte-level BPE: any text goes in and comes back as it was or as normalised; digits stand alone.

    Args:
        texts: The corpus.
        vocabulary_size: Number of ids, the special tokens (ids 0 to 6) and the 256 bytes included.
        normalizer: Of what is read; None: nothing is changed.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            # Words with the blank before them, single digits, runs of punctuation, line ends.
            pre_tokenizers.Split(
                Regex(r"'(?:s|t|re|ve|m|ll|d)| ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s"), behavior="isolated"
            ),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def write_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Write ``tokenizer.json`` and ``tokenizer_config.json``, as transformers, vLLM and SGLang read them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(tokenizer.to_str(pretty=False), encoding="utf-8")
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": "<|pad|>",
        "eos_token": "<|eos|>",
        "padding_side": "left",
        "clean_up_tokenization_spaces": False,
        "model_max_length": 2048,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
