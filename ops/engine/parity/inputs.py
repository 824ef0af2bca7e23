"""What every engine is asked: token ids, the same in every run with the same seed and bundle."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models.bundle import Bundle, RankerCanary, SummarizerCanary
from models.prompts import RankerPrompt, SummarizerPrompt, TextTokenizer, normalise_query
from models.prompts.header import render_header
from ops.demo.samples import JudgedQuery, read_judged, read_samples
from ops.engine.parity.edges import BODIES, LONG, SHORT_PACKS, LongTexts
from schemas.errors import ConfigurationError
from schemas.posting import Posting, read_posting

__all__ = ["LONG_KIND", "Pack", "Prompt", "ranker_packs", "summarizer_prompts"]

LONG_KIND = "long"
"""Kind of the pack whose items differ in their last part only."""
_PACK_ITEMS = 10
_TAIL_TOKENS = 24


@dataclass(frozen=True, slots=True)
class Pack:
    """Items that are scored in one request.

    Attributes:
        kind: What is special about them, one word.
        query_ids: The shared prefix.
        items: Token ids of each.
    """

    kind: str
    query_ids: tuple[int, ...]
    items: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt that is completed, and what is special about it."""

    kind: str
    ids: tuple[int, ...]


def ranker_packs(bundle: Bundle, *, num_pairs: int, seed: int) -> tuple[Pack, ...]:
    """The bundle's canaries, the awkward packs, and judged samples of all grades up to ``num_pairs``.

    Raises:
        ConfigurationError: The samples and the rest are fewer, or the bundle has no fitting tokenizer.
    """
    prompt = RankerPrompt(TextTokenizer.from_file(bundle.tokenizer_file), bundle.manifest.limits)
    packs = [*_canaries(bundle), *_edges(prompt), _long(prompt, LONG, bundle.manifest.limits.summary)]
    missing = num_pairs - sum(len(pack.items) for pack in packs)
    samples = _samples(bundle, prompt, random.Random(f"parity/{seed}"))
    while missing > 0:
        pack = next(samples, None)
        if pack is None:
            raise ConfigurationError(f"{num_pairs} pairs are more than the samples give: {missing} fewer, please")
        packs.append(Pack(pack.kind, pack.query_ids, pack.items[:missing]))
        missing -= len(packs[-1].items)
    return tuple(packs)


def summarizer_prompts(bundle: Bundle, *, num_texts: int, seed: int) -> tuple[Prompt, ...]:
    """The bundle's canaries, the awkward bodies, one as long as the limit allows, and samples up to ``num_texts``.

    Raises:
        ConfigurationError: The bundle has no fitting tokenizer.
    """
    prompt = SummarizerPrompt(TextTokenizer.from_file(bundle.tokenizer_file), bundle.manifest.limits)
    bodies = [read_posting(sample.posting).body for sample in read_samples()]
    random.Random(f"parity/{seed}").shuffle(bodies)
    longest = " ".join(bodies[:20])  # some 8,000 tokens: cut at the limit
    canaries = [
        Prompt("canary", canary.prompt_ids)
        for canary in bundle.manifest.canaries
        if isinstance(canary, SummarizerCanary)
    ]
    found = [
        *(Prompt("awkward", tuple(prompt.prompt_ids(body))) for body in BODIES),
        Prompt(LONG_KIND, tuple(prompt.prompt_ids(longest))),
        *canaries,
        *(Prompt("sample", tuple(prompt.prompt_ids(body))) for body in bodies),
    ]
    return tuple(found[:num_texts])


def _canaries(bundle: Bundle) -> Iterator[Pack]:
    """A pack a query."""
    items: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
    for canary in bundle.manifest.canaries:
        assert isinstance(canary, RankerCanary)
        items.setdefault(canary.query_ids, []).append(canary.item_ids)
    yield from (Pack("canary", query, tuple(members)) for query, members in items.items())


def _edges(prompt: RankerPrompt) -> Iterator[Pack]:
    for texts in SHORT_PACKS:
        items = tuple(tuple(prompt.item_ids(header, summary)) for header, summary in texts.items)
        yield Pack(texts.kind, tuple(prompt.query_ids(texts.query)), items)


def _long(prompt: RankerPrompt, texts: LongTexts, summary_tokens: int) -> Pack:
    repeats = summary_tokens  # a word is a token at least, and the prompt cuts what is too much
    beginning: list[str] = []
    words = texts.beginning.split() * repeats
    while prompt.count_tokens(" ".join([*beginning, words[len(beginning)]])) <= summary_tokens - _TAIL_TOKENS:
        beginning.append(words[len(beginning)])
    header = " | ".join([texts.header] * repeats)
    summaries = (" ".join([*beginning, *[end] * repeats]) for end in texts.ends)
    query_ids = tuple(prompt.query_ids(" ".join([texts.query] * repeats)))
    return Pack(LONG_KIND, query_ids, tuple(tuple(prompt.item_ids(header, summary)) for summary in summaries))


def _samples(bundle: Bundle, prompt: RankerPrompt, rng: random.Random) -> Iterator[Pack]:
    """Judged queries in an order by chance, each with candidates of all its grades, so that the scores spread."""
    postings = {str(sample.job_id): read_posting(sample.posting) for sample in read_samples()}
    judged = read_judged()
    rng.shuffle(judged)
    for query in judged:
        chosen = [postings[job_id] for job_id in _by_grade(query, rng)]
        rng.shuffle(chosen)
        items = tuple(_item_ids(prompt, bundle, posting) for posting in chosen)
        yield Pack("sample", tuple(prompt.query_ids(normalise_query(query.query))), items)


def _by_grade(query: JudgedQuery, rng: random.Random) -> Sequence[str]:
    candidates = sorted(query.grades)
    rng.shuffle(candidates)
    candidates.sort(key=query.grades.__getitem__)
    num = min(_PACK_ITEMS, len(candidates))
    return [candidates[place * (len(candidates) - 1) // max(1, num - 1)] for place in range(num)]


def _item_ids(prompt: RankerPrompt, bundle: Bundle, posting: Posting) -> tuple[int, ...]:
    header = render_header(posting.facts, prompt.count_tokens, bundle.manifest.limits.header)
    return tuple(prompt.item_ids(header, prompt.extract(posting.body)))
