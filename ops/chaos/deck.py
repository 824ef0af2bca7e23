"""Which fault when: a shuffled deck, every kind equally often. Pure."""

import random
from collections.abc import Sequence

__all__ = ["deal"]


def deal(kinds: Sequence[str], num_faults: int, *, seed: int, segment_size: int) -> list[tuple[str, ...]]:
    """Kinds of faults, segment by segment.

    Args:
        kinds: All kinds of the profile.
        num_faults: How many in all; kinds differ in number by one at most.
        seed: Of the order.
        segment_size: Faults a segment; the last may have fewer.
    """
    rng = random.Random(seed)
    rounds = [rng.sample(sorted(kinds), len(kinds)) for _ in range(-(-num_faults // len(kinds)))]
    cards = [kind for dealt in rounds for kind in dealt][:num_faults]
    # Rounds keep the numbers equal however many faults there are; shuffled over, a kind may also follow itself.
    rng.shuffle(cards)
    return [tuple(cards[start : start + segment_size]) for start in range(0, num_faults, segment_size)]
