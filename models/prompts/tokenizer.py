"""A ``tokenizer.json`` as this project uses it: text never becomes a special token, whatever it says."""

import hashlib
from functools import lru_cache
from pathlib import Path

from tokenizers import Tokenizer

from schemas.errors import ConfigurationError

__all__ = ["SPECIAL_TOKENS", "TextTokenizer"]

SPECIAL_TOKENS = ("<|pad|>", "<|eos|>", "<|query|>", "<|job|>", "<|relevant|>", "<|body|>", "<|summary|>")
"""Markers of prompt parts, ids 0 to 6 in the tokenizers trained here."""


# The same text is measured, rendered and cut at several places of one request, other requests running in between.
_NUM_REMEMBERED = 512
_MAX_REMEMBERED_CHARS = 16_384
"""Together some 5 MB; where every text is that long, some 80 MB."""


class TextTokenizer:
    """Byte-level BPE over untrusted text.

    Attributes:
        digest: Identity of the tokenizer file, sixteen hexadecimal digits.
    """

    def __init__(self, tokenizer: Tokenizer, digest: str) -> None:
        # A posting that contains "<|relevant|>" must not speak to the model: special tokens in text are plain text.
        tokenizer.encode_special_tokens = True
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        self.digest = digest
        self._special_ids = frozenset(
            token_id for token_id, token in tokenizer.get_added_tokens_decoder().items() if token.special
        )
        self._remembered_ids = lru_cache(_NUM_REMEMBERED)(self._ids)

    @classmethod
    def from_file(cls, path: Path) -> "TextTokenizer":
        """Load a ``tokenizer.json``.

        Raises:
            ConfigurationError: It is missing or cannot be read.
        """
        try:
            content = path.read_bytes()
            return cls(Tokenizer.from_buffer(content), hashlib.sha256(content).hexdigest()[:16])
        except Exception as error:  # tokenizers raises bare Exception
            message = f"tokenizer {str(path)!r} cannot be read: {error}"
            raise ConfigurationError(message) from error

    def encode(self, text: str) -> list[int]:
        """Token ids of the text, without any added token."""
        return list(self._tuple(text))

    def encode_many(self, texts: list[str]) -> list[list[int]]:
        """:meth:`encode` of each, in parallel threads."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch(texts, add_special_tokens=False)]

    def decode(self, ids: list[int]) -> str:
        """Text of the ids; special tokens are left out."""
        return self._tokenizer.decode(ids, skip_special_tokens=True)

    def count(self, text: str) -> int:
        """Number of tokens of the text."""
        return len(self._tuple(text))

    def is_text(self, token_id: int) -> bool:
        """Whether it is an id of this tokenizer that a text can have: no special token."""
        # The library raises for what has more than 32 bits.
        is_known = 0 <= token_id < 2**32 and self._tokenizer.id_to_token(token_id) is not None
        return is_known and token_id not in self._special_ids

    def pieces(self) -> list[str]:
        """The texts of all tokens that stand for text; of tokens that are part of a character what can be shown."""
        return [
            self.decode([token_id]) for token_id in range(self._tokenizer.get_vocab_size()) if self.is_text(token_id)
        ]

    def special(self, token: str) -> int:
        """Id of a special token.

        Raises:
            ConfigurationError: This tokenizer has no such token.
        """
        token_id = self._tokenizer.token_to_id(token)
        if token_id is None:
            message = f"the tokenizer has no token {token!r}: it was not made for these prompts"
            raise ConfigurationError(message)
        return token_id

    def _tuple(self, text: str) -> tuple[int, ...]:
        return self._remembered_ids(text) if len(text) <= _MAX_REMEMBERED_CHARS else self._ids(text)

    def _ids(self, text: str) -> tuple[int, ...]:
        # The fast variant leaves the offsets out, which nobody asks for.
        (encoding,) = self._tokenizer.encode_batch_fast([text], add_special_tokens=False)
        return tuple(encoding.ids)
