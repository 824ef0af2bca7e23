"""Real ads for the reinforcement of a summarizer: p_raw is read from the whole body, as in equation 4.

Nobody knows which occupation such an ad means, and none need be known: what counts is whether the summary lets the
ranker answer as the body does. So the queries are worded after titles of ads, this one's or another's, with wishes that
one of the two answers: what is asked for and found, asked for and missing, and near misses between them.
"""

from collections.abc import Callable, Sequence
from random import Random

from models.prompts import SummarizerPrompt, TextTokenizer
from models.training.judged.ads import Ad, own_wording, typed_query
from models.training.judged.wishes import draw_wishes
from models.training.reinforce.episodes import Episode
from schemas.posting import Facts

__all__ = ["real_episodes"]

_OWN_TITLE_SHARE, _OWN_WISHES_SHARE, _NUMBER_OF_WISHES = 0.75, 0.6, (1, 1, 2)
_TOKENS = range(97, 800)
"""Of a body, by the summarizer's tokenizer: a shorter one is stored as it is, a longer one costs memory and time."""


def real_episodes(
    ads: Sequence[Ad],
    num_queries: int,
    seed: int,
    *,
    prompt: SummarizerPrompt,
    tokenizer: TextTokenizer,
    header_of: Callable[[Facts], str],
) -> list[Episode]:
    """An episode for each ad whose body is neither short nor long.

    Args:
        ads: Real ones, none of them judged.
        num_queries: Different queries an episode.
        seed: Of the queries.
        prompt: The summarizer's.
        tokenizer: The summarizer's.
        header_of: What the ranker reads beside the summary.
    """
    episodes = (
        Episode.of(
            ad.item.key,
            ad.item.body,
            prompt=prompt,
            tokenizer=tokenizer,
            header=header_of(ad.item.facts),
            queries=_asked(Random(f"{seed}/{ad.item.key}"), ad, ads, num_queries),
            reference=ad.item.body,
        )
        for ad in ads
    )
    return [episode for episode in episodes if episode.body_tokens in _TOKENS]


def _asked(rng: Random, ad: Ad, ads: Sequence[Ad], count: int) -> list[str]:
    asked: dict[str, None] = {}
    while len(asked) < count:
        meant = ad if rng.random() < _OWN_TITLE_SHARE else rng.choice(ads)
        source = ad if rng.random() < _OWN_WISHES_SHARE else rng.choice(ads)
        wishes = [typed for _, typed in draw_wishes(rng, source.stated, _NUMBER_OF_WISHES)]
        asked[typed_query(own_wording(meant.item.facts.title), wishes)] = None
    return list(asked)
