"""The ranker's prompt: query first, so that all items of a request share its prefix."""

import hashlib

from models.bundle import PromptLimits
from models.prompts.tokenizer import TextTokenizer

__all__ = ["RankerPrompt"]


class RankerPrompt:
    r"""``<|query|> query <|job|> header \n summary <|relevant|>``; the answer is `` yes`` or `` no``.

    Attributes:
        version: Name of this template, kept in bundles.
        digest: Identity of tokenizer, template and limits: token ids stored under it may be used as they are.
        label_token_ids: Ids of `` yes`` and `` no``, in this order.
    """

    version = "ranker/1"

    def __init__(self, tokenizer: TextTokenizer, limits: PromptLimits) -> None:
        self._tokenizer = tokenizer
        self._limits = limits
        self._query_mark = tokenizer.special("<|query|>")
        self._job_mark = tokenizer.special("<|job|>")
        self._answer_mark = tokenizer.special("<|relevant|>")
        self._newline = tokenizer.encode("\n")
        yes, no = tokenizer.encode(" yes"), tokenizer.encode(" no")
        self.label_token_ids = (yes[-1], no[-1])
        identity = f"{tokenizer.digest}/{self.version}/{limits.query}/{limits.header}/{limits.summary}"
        self.digest = hashlib.sha256(identity.encode()).hexdigest()[:16]

    def query_ids(self, query: str) -> list[int]:
        """Ids of the prefix that all items share. A query over the limit is cut at its end.

        Args:
            query: A normalised query (``normalise_query``).
        """
        return [self._query_mark, *self._tokenizer.encode(query)[: self._limits.query]]

    def item_ids(self, header: str, summary: str) -> list[int]:
        """Ids of one item, up to the token that asks for the answer. Parts over their limits are cut at their ends."""
        return [
            self._job_mark,
            *self._tokenizer.encode(header)[: self._limits.header],
            *self._newline,
            *self._tokenizer.encode(summary)[: self._limits.summary],
            self._answer_mark,
        ]

    def count_tokens(self, text: str) -> int:
        """Length of a text as a part of this prompt."""
        return self._tokenizer.count(text)
