"""Token sequences to learn from, and how they are grouped. No torch here."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Example", "micro_batches"]


@dataclass(frozen=True, slots=True)
class Example:
    """A prompt and what should follow it, as token ids; ``target`` is empty where only the next label is learnt."""

    prompt: Sequence[int]
    target: Sequence[int] = ()

    def __len__(self) -> int:
        return len(self.prompt) + len(self.target)


def micro_batches(examples: Sequence[Example], most_tokens: int, least_length: float = 0.0) -> list[list[int]]:
    """Indices of the examples, ordered by length and cut so that no padded micro-batch exceeds ``most_tokens``.

    An example longer than that stands alone.

    Args:
        examples: Of a step.
        most_tokens: Of a micro-batch, padding counted.
        least_length: Of the shortest example of a micro-batch, as a share of the longest: where examples differ much in
            length, half of the work would be padding.
    """
    order = sorted(range(len(examples)), key=lambda index: len(examples[index]))
    groups: list[list[int]] = []
    for index in order:
        length = len(examples[index])
        if (
            groups
            and (len(groups[-1]) + 1) * length <= most_tokens
            and len(examples[groups[-1][0]]) >= least_length * length
        ):
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups
