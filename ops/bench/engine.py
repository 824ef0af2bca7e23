"""A summarizer engine without a model: answers and service times are pure functions of the prompt.

So two runs over the same prompts ask for the same work, whoever drives them, and the driver can say of each record how
long the engine itself took.
"""

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from models.bundle import Bundle, SummarizerCanary
from models.prompts import TextTokenizer

__all__ = ["BenchAnswers", "ServiceTime"]

_NUM_COPIED_TOKENS = 64
_SENTENCES = re.compile(r".*[.!?](?=\s)", re.DOTALL)
_DIGEST_BITS = 53  # as many as a double holds


@dataclass(frozen=True, slots=True)
class ServiceTime:
    """Log-normal time on a slot, drawn by the prompt.

    Attributes:
        mean_s: Mean, in seconds; 0 answers at once.
        sigma: Standard deviation of the logarithm.
    """

    mean_s: float
    sigma: float

    def of(self, prompt_ids: Sequence[int]) -> float:
        """Seconds that this prompt keeps a slot busy."""
        if not self.mean_s:
            return 0.0
        digest = hashlib.sha256(",".join(map(str, prompt_ids)).encode()).digest()
        share = (int.from_bytes(digest[:8]) >> (64 - _DIGEST_BITS)) + 0.5  # never 0 nor 1 of the range
        normal = NormalDist().inv_cdf(share / 2**_DIGEST_BITS)
        return self.mean_s * math.exp(self.sigma * normal - self.sigma**2 / 2)  # the mean of exp(N) is exp(s^2 / 2)


class BenchAnswers:
    """Answers to prompts: a canary's where the prompt is one's, else the first whole sentences of the body.

    Word for word, and none cut in two, so that the faithfulness gate lets them pass.
    """

    def __init__(self, bundle: Bundle, tokenizer: TextTokenizer) -> None:
        self.revision = f"bench/{bundle.revision}"
        self._tokenizer = tokenizer
        self._canaries = {
            canary.prompt_ids: canary.text
            for canary in bundle.manifest.canaries
            if isinstance(canary, SummarizerCanary)
        }

    def to(self, prompt_ids: Sequence[int]) -> str:
        """The summary of this prompt: mark, body, mark."""
        if (canary := self._canaries.get(tuple(prompt_ids))) is not None:
            return canary
        body_ids = list(prompt_ids[1:-1])
        text = self._tokenizer.decode(body_ids[:_NUM_COPIED_TOKENS])
        if len(body_ids) <= _NUM_COPIED_TOKENS:
            return text
        sentences = _SENTENCES.match(text)
        return sentences.group() if sentences else text.rpartition(" ")[0]
