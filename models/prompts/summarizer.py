"""The summarizer's prompt: the body, then the mark that asks for the summary."""

import hashlib

from models.bundle import PromptLimits
from models.prompts.tokenizer import TextTokenizer
from schemas.text import single_line

__all__ = ["SummarizerPrompt"]


class SummarizerPrompt:
    """``<|body|> body <|summary|>``; the answer is the summary, ended by ``<|eos|>``.

    Attributes:
        version: Name of this template, kept in bundles and in every summary document.
        digest: Identity of tokenizer, template and limits.
        stop_token_ids: Ids that end the answer.
        max_output_tokens: Length budget of the answer.
    """

    version = "summarizer/1"

    def __init__(self, tokenizer: TextTokenizer, limits: PromptLimits) -> None:
        self._tokenizer = tokenizer
        self._limits = limits
        self._body_mark = tokenizer.special("<|body|>")
        self._answer_mark = tokenizer.special("<|summary|>")
        self.stop_token_ids = (tokenizer.special("<|eos|>"),)
        self.max_output_tokens = limits.summary
        identity = f"{tokenizer.digest}/{self.version}/{limits.body}/{limits.summary}"
        self.digest = hashlib.sha256(identity.encode()).hexdigest()[:16]

    def prompt_ids(self, body: str) -> list[int]:
        """Ids of the prompt. A body over the limit is cut at its end: what matters stands early in most ads."""
        return [self._body_mark, *self._tokenizer.encode(body)[: self._limits.body], self._answer_mark]

    def answer_ids(self, summary: str) -> list[int]:
        """Ids of a target answer, its end included: what training teaches."""
        return [*self._tokenizer.encode(summary)[: self._limits.summary - 1], *self.stop_token_ids]

    def summary(self, text: str) -> str:
        """The summary as stored: one line of plain text within the length budget, whatever the model wrote."""
        clean = single_line(text)
        ids = self._tokenizer.encode(clean)
        if len(ids) <= self._limits.summary:
            return clean
        return single_line(self._tokenizer.decode(ids[: self._limits.summary]).rstrip("\ufffd"))
