"""What an item may be read as below its header, each as long as its written summary (but target, body and nothing).

| text    | what it is                                                                                             |
|---------|--------------------------------------------------------------------------------------------------------|
| written | what the nearline service would store: the summarizer's answer if the gate lets it pass, else extractive |
| target  | the phrases of all facts of the body: what a perfect summarizer writes; generated items only            |
| lead    | the first tokens of the body                                                                           |
| random  | whole sentences of the body at random, as many as fit                                                  |
| best    | the sentences that hold most of the target's words a token, greedily; generated items only              |
| nothing | the header stands alone                                                                                |
| body    | the whole body, up to the bundle's limit                                                               |

``best`` looks at the truth, so it bounds what choosing sentences can do; no system could run it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from models.bundle import Bundle
from models.faithfulness import judge
from models.prompts import SummarizerPrompt, TextTokenizer, extractive_summary, supported_phrases
from models.training.export import load_weights
from models.training.generation import greedy
from models.training.judged import Item

__all__ = ["Text", "Written", "best_sentences", "lead_tokens", "random_sentences", "write_summaries"]

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_WORD = re.compile(r"\w+")

CountTokens = Callable[[str], int]


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
        num_asked: Bodies that the model was asked to summarise; shorter ones are their own summary.
        num_fallback: Answers that did not pass, so that the extractive summary stands instead.
    """

    texts: Mapping[str, str]
    num_asked: int
    num_fallback: int


def write_summaries(bundle: Bundle, items: Sequence[Item]) -> Written:
    """Summarise, gate, and fall back as the nearline service does, but for its second, drawn answer.

    Args:
        bundle: A summarizer's.
        items: Bodies of any length; an empty one stays empty.
    """
    text = TextTokenizer.from_file(bundle.tokenizer_file)
    prompt = SummarizerPrompt(text, bundle.manifest.limits)
    longest = prompt.max_output_tokens
    asked = [item for item in items if text.count(item.body) > longest]
    texts = {item.key: prompt.summary(item.body) for item in items if text.count(item.body) <= longest}
    answers = greedy(
        load_weights(bundle.path), [prompt.prompt_ids(item.body) for item in asked], prompt.stop_token_ids[0], longest
    )
    num_fallback, is_extractive = 0, bundle.manifest.is_extractive
    for item, ids in zip(asked, answers, strict=True):
        is_finished = ids[-1] == prompt.stop_token_ids[0]
        answer = text.decode(ids)
        summary = _gated(prompt, answer, item.body, is_finished=is_finished, is_extractive=is_extractive)
        num_fallback += summary is None
        texts[item.key] = extractive_summary(item.body, text.count, longest) if summary is None else summary
    return Written(texts, len(asked), num_fallback)


def _gated(prompt: SummarizerPrompt, answer: str, body: str, *, is_finished: bool, is_extractive: bool) -> str | None:
    """The summary to store, or None where the gate refuses it."""
    summary = prompt.summary(answer)
    if is_extractive:
        summary = supported_phrases(summary, body)
        return summary if judge(summary, body).is_faithful else None
    return summary if judge(answer, body, is_finished=is_finished).is_faithful else None


def lead_tokens(tokenizer: TextTokenizer, body: str, num_tokens: int) -> str:
    """The first so many tokens of a body."""
    return tokenizer.decode(tokenizer.encode(body)[:num_tokens]).rstrip("\ufffd")


def random_sentences(rng: Random, count: CountTokens, body: str, num_tokens: int) -> str:
    """Sentences drawn without repetition while they fit, in the order drawn."""
    sentences = _sentences(body)
    rng.shuffle(sentences)
    return _that_fit(sentences, count, num_tokens)


def best_sentences(count: CountTokens, body: str, target: str, num_tokens: int) -> str:
    """Sentences by how many of the target's words they hold, a token; words that are held already count no more."""
    wanted = set(_WORD.findall(target.casefold()))
    words = {sentence: set(_WORD.findall(sentence.casefold())) for sentence in _sentences(body)}
    lengths = {sentence: max(1, count(sentence)) for sentence in words}
    chosen: list[str] = []
    room = num_tokens
    while fitting := [sentence for sentence in words if sentence not in chosen and lengths[sentence] <= room]:
        best = max(fitting, key=lambda sentence: len(words[sentence] & wanted) / lengths[sentence])
        if not words[best] & wanted:
            break
        chosen.append(best)
        wanted -= words[best]
        room -= lengths[best]
    return " ".join(chosen)


def _sentences(body: str) -> list[str]:
    return list(dict.fromkeys(filter(None, (part.strip() for part in _SENTENCE_END.split(body)))))


def _that_fit(sentences: Sequence[str], count: CountTokens, num_tokens: int) -> str:
    chosen = ""
    for sentence in sentences:
        longer = f"{chosen} {sentence}" if chosen else sentence
        if count(longer) <= num_tokens:
            chosen = longer
    return chosen
