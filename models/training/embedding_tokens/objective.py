"""The loss of a step: what the ranker answers from vectors, beside the soft labels and beside its answers from text.

    L = KL(sg[p_text] || p_vectors) + KL(label || p_vectors) + w KL(words || vectors)
        [ + KL(label || p_text)  where the ranker learns too ]

p_text is the ranker's answer where it reads the target summary, sg stops the gradient: MixLM (arXiv 2512.07846) has the
same parts but the words, its teacher being a ranker apart. Shapes: P pairs, M items, k vectors, D hidden size.
"""

from collections.abc import Iterator, Sequence
from random import Random

import torch

from models.training.architecture import CausalModel
from models.training.batches import padded
from models.training.curriculum import stage_at
from models.training.embedding_tokens.encoder import Encoder
from models.training.embedding_tokens.material import Material, Materials, Stage
from models.training.embedding_tokens.mixed import mixed_batch, mixed_logits
from models.training.embedding_tokens.words import words_loss
from models.training.examples import Example, micro_batches
from models.training.loop import LossOfStep
from models.training.losses import label_logits, soft_label_loss
from models.training.pruning.distillation import distillation_loss

__all__ = ["Objective", "lengths"]

_MICRO_BATCH_TOKENS = 3000
_WORDS_WEIGHT = 0.1
"""w, a pair's share of its item's loss: words are whole nats apart where answers are hundredths."""


def lengths(num_slots: int) -> list[int]:
    """The k that are trained and measured: powers of two, and K."""
    powers = [1 << power for power in range(num_slots.bit_length()) if 1 << power < num_slots]
    return [*powers, num_slots]


class Objective:
    """What encoder and ranker are taught.

    Args:
        encoder: Learns.
        ranker: Reads; its weights change where ``is_joint``, and are frozen here otherwise.
        label_ids: Ids of `` yes`` and `` no``.
        is_joint: Whether the ranker learns too. It then keeps learning to read text as well, so that both forms can be
            compared in the same ranker.
    """

    def __init__(self, encoder: Encoder, ranker: CausalModel, label_ids: tuple[int, int], *, is_joint: bool) -> None:
        self._encoder, self._ranker, self._label_ids, self._is_joint = encoder, ranker, label_ids, is_joint
        ranker.requires_grad_(is_joint)

    def of_steps(self, materials: Materials, steps: int, seed: int, curriculum: Sequence[Stage]) -> LossOfStep:
        """Losses of each step, at a number of vectors that is drawn for the step.

        Args:
            materials: Draws a step's items from its number.
            steps: Of the whole training.
            seed: Of the numbers of vectors.
            curriculum: What is learnt when.
        """
        choices = lengths(self._encoder.num_slots)

        def of_step(step: int) -> Iterator[torch.Tensor]:
            num_vectors = Random(f"{seed}/vectors/{step}").choice(choices)
            drawn = materials.of_step(step, stage_at(curriculum, step, steps))
            num_pairs = sum(len(each.asked) for each in drawn)
            for part in _parts(drawn):
                yield self.of_pairs(part, num_vectors).sum() / num_pairs

        return of_step

    @torch.no_grad()
    def held_out(self, items: Sequence[Material], num_vectors: Sequence[int]) -> float:
        """Mean loss a pair over the items and the lengths: a point of the learning curve, smaller is better."""
        losses = [self.of_pairs(part, k) for k in num_vectors for part in _parts(items)]
        return float(torch.cat(losses).mean())

    def of_pairs(self, items: Sequence[Material], num_vectors: int) -> torch.Tensor:
        """One loss a pair of an item and a query about it, [P], item by item."""
        asked = [(row, query, grade) for row, each in enumerate(items) for query, grade in each.asked]
        mixed = mixed_batch([(query, items[row].item) for row, query, _ in asked], num_vectors)
        rows_P = torch.tensor([row for row, _, _ in asked])
        is_graded_P = torch.tensor([grade is not None for _, _, grade in asked])
        grades_P = torch.tensor([grade or 0 for _, _, grade in asked])
        with torch.autocast("cpu", torch.bfloat16):
            vectors_MkD = self._encoder([each.read for each in items], num_vectors)
            logits_P2 = mixed_logits(self._ranker, mixed, vectors_MkD[rows_P], self._label_ids)
            text_P2 = self._text_logits([Example(query, items[row].told) for row, query, _ in asked])
            words_M = words_loss(
                vectors_MkD, [each.words for each in items], self._ranker.model.embed_tokens.weight.detach()
            )
        loss_P = distillation_loss(logits_P2, text_P2.detach()) + soft_label_loss(logits_P2, grades_P) * is_graded_P
        loss_P = loss_P + _WORDS_WEIGHT * words_M[rows_P]
        if self._is_joint:
            loss_P = loss_P + soft_label_loss(text_P2, grades_P) * is_graded_P
        return loss_P

    def _text_logits(self, examples: Sequence[Example]) -> torch.Tensor:
        """Logits of the labels where the ranker reads text, [P, 2]."""
        batch = padded(examples)
        hidden_PTD = self._ranker.model(input_ids=batch.ids, use_cache=False).last_hidden_state
        return label_logits(self._ranker, hidden_PTD, batch.last, self._label_ids)


def _parts(items: Sequence[Material]) -> Iterator[Sequence[Material]]:
    """The items that are asked about, in micro-batches of similar length."""
    items = [each for each in items if each.asked]
    for group in micro_batches([Example(each.read) for each in items], _MICRO_BATCH_TOKENS):
        yield [items[index] for index in group]
