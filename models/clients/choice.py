"""Which replica a call goes to. Pure.

Load is counted in tokens that are asked for and not answered: calls differ by a factor of a hundred in length, and a
replica that hangs keeps what it was asked, so it is avoided before any time-out says so.

Power of two choices: of two replicas drawn at random the less loaded one. With many clients that each see only their
own load, taking the least loaded of all sends every client to the same replica in the same moment.
"""

import random
from collections.abc import Sequence
from hashlib import blake2b

__all__ = ["choose", "home_of"]


def home_of(key: bytes, names: Sequence[str]) -> str:
    """The replica that a key belongs to, for every client alike: rendezvous hashing.

    When a replica comes or goes, only its own keys move; all others keep the replica that knows their prefix.

    Args:
        key: What calls that should meet have in common.
        names: Of all replicas, at least one, whether they can be asked now or not.
    """
    return max(names, key=lambda name: blake2b(key + b"\0" + name.encode(), digest_size=8).digest())


def choose(loads: Sequence[int], rng: random.Random, *, home: int | None = None, slack_tokens: int = 0) -> int:
    """Index of the replica to ask.

    Args:
        loads: [N] outstanding tokens of the replicas that may be asked; N is at least 1.
        rng: Draws the two.
        home: Index of the replica that has the call's prefix; None where there is none, or it may not be asked.
        slack_tokens: How much more may be outstanding there than at the other choice: what its prefix is worth.
    """
    if len(loads) == 1:
        return 0
    one, other = rng.sample(range(len(loads)), 2)
    lighter = one if loads[one] <= loads[other] else other
    if home is not None and loads[home] <= loads[lighter] + slack_tokens:
        return home
    return lighter
