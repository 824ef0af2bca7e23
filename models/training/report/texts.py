"""What an item may be read as below its header, each as long as its written summary (but target, body and nothing).

| text    | what it is                                                                                    |
|---------|-----------------------------------------------------------------------------------------------|
| written | what the nearline service would store: the summarizer's answer if it passes, else extractive   |
| target  | the phrases of all facts of the body: what a perfect summarizer writes; generated items only   |
| lead    | the first tokens of the body                                                                  |
| random  | whole sentences of the body at random, as many as fit                                         |
| best    | the sentences that hold most of the target's words, greedily; generated items only            |
| nothing | the header stands alone                                                                       |
| body    | the whole body, up to the bundle's limit                                                      |

Lead, random and best are those of :mod:`models.training.controls`. ``best`` looks at the truth, so it bounds what
choosing sentences can do; no system could run it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import torch

from models.bundle import Bundle
from models.faithfulness import Verdict, judge_answer
from models.prompts import SummarizerPrompt, TextTokenizer
from models.training.bm25 import words
from models.training.controls import Loss
from models.training.judged import Item
from models.training.report.writer import write_greedily

__all__ = ["Text", "Written", "extractive_summaries", "missing_words", "write_summaries"]


class Text(StrEnum):
    """See the module."""

    WRITTEN = "written"
    TARGET = "target"
    LEAD = "lead"
    RANDOM = "random"
    BEST = "best"
    NOTHING = "nothing"
    BODY = "body"


@dataclass(frozen=True, slots=True)
class Written:
    """Summaries as the nearline service would store them.

    Attributes:
        texts: By item.
        verdicts: Of the gate, by item, on what the model answered where it was asked; shorter bodies are their own
            summaries. Where an answer did not pass, the extractive summary stands instead.
        shortened: Items whose answer passed without some of its phrases, which the body does not hold.
    """

    texts: Mapping[str, str]
    verdicts: Mapping[str, Verdict]
    shortened: frozenset[str]

    @property
    def num_asked(self) -> int:
        """Bodies that the model was asked to summarise."""
        return len(self.verdicts)

    @property
    def num_fallback(self) -> int:
        """Answers that did not pass."""
        return sum(not verdict.is_faithful for verdict in self.verdicts.values())


def write_summaries(
    bundle: Bundle, items: Sequence[Item], extract: Callable[[str], str], dtype: torch.dtype = torch.float32
) -> Written:
    """Summarise, gate, and fall back as the nearline service does, but for its second, drawn answer.

    Args:
        bundle: A summarizer's.
        items: Bodies of any length; an empty one stays empty.
        extract: The fallback: ``RankerPrompt.extract``.
        dtype: What the model computes in.
    """
    text = TextTokenizer.from_file(bundle.tokenizer_file)
    prompt = SummarizerPrompt(text, bundle.manifest.limits)
    longest = prompt.max_output_tokens
    asked = [item for item in items if text.count(item.body) > longest]
    texts = {item.key: prompt.summary(item.body) for item in items if text.count(item.body) <= longest}
    prompts = [prompt.prompt_ids(item.body) for item in asked]
    answers = write_greedily(bundle, prompts, prompt.stop_token_ids[0], longest, dtype)
    verdicts, shortened = dict[str, Verdict](), set[str]()
    is_extractive = bundle.manifest.is_extractive
    for item, ids in zip(asked, answers, strict=True):
        is_finished = ids[-1] == prompt.stop_token_ids[0]
        answer = text.decode(ids)
        whole = prompt.summary(answer)
        summary, verdict = judge_answer(answer, whole, item.body, is_finished=is_finished, is_extractive=is_extractive)
        verdicts[item.key] = verdict
        texts[item.key] = summary if verdict.is_faithful else extract(item.body)
        if verdict.is_faithful and summary != whole:
            shortened.add(item.key)
    return Written(texts, verdicts, frozenset(shortened))


def extractive_summaries(items: Sequence[Item], extract: Callable[[str], str]) -> Written:
    """What the nearline service stores while the engine is away; nothing is asked."""
    return Written({item.key: extract(item.body) for item in items}, {}, frozenset())


def missing_words(target: str) -> Loss:
    """A loss for ``best_sentences``: the share of the target's different words that a text does not hold."""
    wanted = set(words(target))

    def loss(texts: Sequence[str]) -> list[float]:
        return [len(wanted.difference(words(text))) / max(1, len(wanted)) for text in texts]

    return loss
