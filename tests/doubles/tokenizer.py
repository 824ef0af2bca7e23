"""A small real tokenizer, trained in milliseconds: byte-level BPE with the project's special tokens; takes any text."""

from functools import cache

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from models.prompts.tokenizer import SPECIAL_TOKENS, TextTokenizer

__all__ = ["small_tokenizer", "small_tokenizer_json"]

_TEXT = (
    "Registered nurse in Berlin, night shift, part time, 21 EUR an hour. We are looking for a software engineer with "
    "Python and Kafka experience. Remote work is possible. Benefits: health insurance, paid leave. A match? yes no"
)


def small_tokenizer() -> TextTokenizer:
    """The same tokenizer in every call; `` yes`` and `` no`` are single tokens."""
    return TextTokenizer(Tokenizer.from_str(small_tokenizer_json()), "small-tokenizer")


@cache
def small_tokenizer_json() -> str:
    """Its ``tokenizer.json``."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(  # type: ignore[no-untyped-call]  # tokenizers types no constructor
        vocab_size=600,
        min_frequency=1,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([_TEXT] * 4, trainer)
    return tokenizer.to_str()
