"""The ranker's prompt: query first, so that all items of a request share its prefix."""

import hashlib
from collections.abc import Sequence

from models.bundle import PromptLimits
from models.prompts.extractive import extractive_summary
from models.prompts.tokenizer import TextTokenizer
from schemas.errors import InvalidInput

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

    def given_query_ids(self, token_ids: Sequence[int]) -> list[int]:
        """:meth:`query_ids` of a query that its caller tokenised: nothing is normalised or cut.

        Args:
            token_ids: Of the query's text alone, as this prompt's tokenizer makes them.

        Raises:
            InvalidInput: Too many or none, one that the tokenizer does not have, or a special token: a query must not
                speak to the model as the prompt does.
        """
        if not 0 < len(token_ids) <= self._limits.query:
            message = f"{len(token_ids)} token ids; this ranker reads 1 to {self._limits.query} of a query"
            raise InvalidInput(message, field="query")
        for place, token_id in enumerate(token_ids):
            if not self._tokenizer.is_text(token_id):
                message = f"token id {token_id} stands for no text in this ranker's tokenizer"
                raise InvalidInput(message, field=f"query[{place}]")
        return [self._query_mark, *token_ids]

    def query_text(self, query_ids: Sequence[int]) -> str:
        """Text of a prefix of :meth:`query_ids`: what the ranker reads of the query."""
        return self._tokenizer.decode(list(query_ids[1:])).strip()

    def item_ids(self, header: str, summary: str) -> list[int]:
        """Ids of one item, up to the token that asks for the answer. Parts over their limits are cut at their ends."""
        return self._item_ids(header, summary, self._limits.summary)

    def whole_item_ids(self, header: str, body: str) -> list[int]:
        """Ids of the item whose text was not summarised: what summaries are compared with.

        The same template. A body over the limit is cut at its end, where the summarizer's prompt cuts it.
        """
        return self._item_ids(header, body, self._limits.body)

    def extract(self, body: str) -> str:
        """The first sentences of a body, as much as the item has room for: what is read where no model summarised."""
        return extractive_summary(body, self._tokenizer.count, self._limits.summary)

    def _item_ids(self, header: str, text: str, num_text_tokens: int) -> list[int]:
        return [
            self._job_mark,
            *self._tokenizer.encode(header)[: self._limits.header],
            *self._newline,
            *self._tokenizer.encode(text)[:num_text_tokens],
            self._answer_mark,
        ]

    def count_tokens(self, text: str) -> int:
        """Length of a text as a part of this prompt."""
        return self._tokenizer.count(text)
