"""The encoder: reads an item once, whatever the queries, and gives its embedding tokens.

Shapes: B items, T tokens, K learnt tokens, of which the first k are used, D the ranker's hidden size.
"""

import copy
from collections.abc import Sequence

import torch
from torch import nn
from transformers import Qwen3Model

from models.training.architecture import ATTENTION_IN_TRAINING, CausalModel
from models.training.batches import padded
from models.training.examples import Example

__all__ = ["Encoder", "encoder_of"]

_SLOT_NOISE = 0.5
"""Of the spread of the ranker's embeddings: the learnt tokens start near one another, and not equal."""


class Encoder(nn.Module):
    """Item -> K input vectors of the ranker.

    K learnt tokens stand behind the item; the vectors are a projection of the last hidden states at their places. They
    see the whole item, and attention is causal: vector i does not depend on how many stand behind it. So the first k of
    K vectors are what an encoder with k learnt tokens would give, one pass gives every length, and a reader may stop
    after as many as its budget allows. (Hidden states of the item's own last k tokens, which MixLM samples, begin with
    what these tokens happen to say.)

    Args:
        body: A Qwen3 decoder without head.
        num_slots: K.
    """

    def __init__(self, body: Qwen3Model, num_slots: int) -> None:
        super().__init__()
        hidden_size = body.config.hidden_size
        self.body = body
        self.slots_1KD = nn.Parameter(torch.zeros(1, num_slots, hidden_size))  # three axes: AdamW, as embeddings
        self.projection = nn.Linear(hidden_size, hidden_size, bias=False)

    @property
    def num_slots(self) -> int:
        """K, the most vectors of an item."""
        return self.slots_1KD.shape[1]

    def forward(self, items: Sequence[Sequence[int]], num_vectors: int) -> torch.Tensor:
        """The first vectors of each item.

        Args:
            items: [B] token ids as the ranker would read header and body, without the mark that asks for the answer.
            num_vectors: k, from 1 to K.

        Returns:
            [B, k, D].

        Raises:
            ValueError: k is out of range.
        """
        if not 1 <= num_vectors <= self.num_slots:
            message = f"num_vectors is {num_vectors}: this encoder gives 1 to {self.num_slots}"
            raise ValueError(message)
        # Right-padded: the learnt tokens follow each item's last token, and nothing looks at what is behind them.
        batch = padded([Example([*item, *([0] * num_vectors)]) for item in items])
        ends_B1 = torch.tensor([[len(item)] for item in items], device=self.slots_1KD.device)
        places_Bk = ends_B1 + torch.arange(num_vectors, device=ends_B1.device)
        rows_B1 = torch.arange(len(items), device=ends_B1.device)[:, None]
        x_BTD = self.body.embed_tokens(batch.ids.to(ends_B1.device))
        slots_BkD = self.slots_1KD[:, :num_vectors].expand(len(items), -1, -1)
        x_BTD = x_BTD.index_put((rows_B1, places_Bk), slots_BkD.to(x_BTD.dtype))
        hidden_BTD = self.body(inputs_embeds=x_BTD, use_cache=False).last_hidden_state
        return self.projection(hidden_BTD[rows_B1, places_Bk])


def encoder_of(ranker: CausalModel, num_slots: int, seed: int) -> Encoder:
    """An encoder that starts as the ranker, which already knows what matters in items.

    The learnt tokens start around the mean of the token embeddings. The projection starts as the identity, scaled from
    the size of hidden states to that of token embeddings: head and embeddings are tied, so both are of one space. The
    size of hidden states is taken from the last norm's weight, which overstates it where few numbers carry most of it:
    vectors of the shipped ranker start at a third of a word's size.

    Args:
        ranker: Its weights are copied.
        num_slots: K.
        seed: Of the learnt tokens.
    """
    encoder = Encoder(copy.deepcopy(ranker.model), num_slots).requires_grad_()
    encoder.body.set_attn_implementation(ATTENTION_IN_TRAINING)
    embedding_VD = ranker.model.embed_tokens.weight.detach()
    noise = torch.randn(encoder.slots_1KD.shape, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        encoder.slots_1KD.copy_(embedding_VD.mean(dim=0) + _SLOT_NOISE * embedding_VD.std(dim=0) * noise)
        scale = embedding_VD.square().mean().sqrt() / encoder.body.norm.weight.square().mean().sqrt()
        encoder.projection.weight.copy_(torch.eye(embedding_VD.shape[1]) * scale)
    return encoder
