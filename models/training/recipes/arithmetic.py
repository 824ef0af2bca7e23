"""Parameters, memory and time by counting: no tensors here.

A multiply-add counts as two operations. Training on a token takes 6 operations a weight that it is multiplied with (2
forward, 4 backward), and 2 more where activations are computed again (gradient checkpointing). The embedding is a
look-up and its head is computed for two labels only, so neither counts.
"""

from dataclasses import dataclass

from models.training.recipes.recipe import Hardware, Pruning, Reinforcement, Stage, Training

__all__ = ["Memory", "Sizes", "hours_of", "memory_of"]

_SECONDS = 3600.0
_FORWARD, _TRAINING = 2, 8  # operations a weight and token; gradient checkpointing is on
_FLOAT32, _BFLOAT16 = 4, 2


@dataclass(frozen=True, slots=True)
class Sizes:
    """A Qwen3's numbers."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    mlp: int
    vocabulary: int

    @property
    def layer_matrices(self) -> int:
        """Weights of one layer's matrices."""
        return self.hidden * (2 * self.heads + 2 * self.kv_heads) * self.head_dim + 3 * self.hidden * self.mlp

    @property
    def matrices(self) -> int:
        """Weights that a token is multiplied with."""
        return self.layers * self.layer_matrices

    @property
    def embedding(self) -> int:
        """Tied, so it is the head as well."""
        return self.vocabulary * self.hidden

    @property
    def norms(self) -> int:
        """Of hidden states, and of query and key heads."""
        return self.layers * 2 * (self.hidden + self.head_dim) + self.hidden

    @property
    def parameters(self) -> int:
        """All of them."""
        return self.matrices + self.embedding + self.norms

    def forward(self, tokens: int, length: int) -> float:
        """Operations of reading so many tokens in sequences of a length; a token attends to half of it."""
        attention = 2 * 2 * self.layers * self.heads * self.head_dim * length / 2
        return tokens * (_FORWARD * self.matrices + attention)


@dataclass(frozen=True, slots=True)
class Memory:
    """Of one GPU under FSDP2, bytes."""

    states: int
    """Its part of weights, gradients and optimiser states, all float32: Muon has one for a matrix, AdamW two."""
    gathered: int
    """In bfloat16, whole: the embedding, which is of the root group, and two layers, the next being fetched."""
    activations: int
    """In bfloat16: the inputs of every layer, and all of one layer while it is computed again."""
    teacher: int = 0
    """The unpruned ranker in float32, whole on every GPU, where a stage asks it."""

    @property
    def total(self) -> int:
        """Together."""
        return self.states + self.gathered + self.activations + self.teacher


def memory_of(sizes: Sizes, gpus: int, micro_batch_tokens: int, teacher: Sizes | None = None) -> Memory:
    """Memory of training, without the allocator's own; with a teacher's where one is given."""
    weights_and_gradients = 2 * sizes.parameters
    optimiser = sizes.matrices + 2 * (sizes.embedding + sizes.norms)
    queries, keys = sizes.heads * sizes.head_dim, sizes.kv_heads * sizes.head_dim
    inside_a_layer = 6 * sizes.hidden + 4 * queries + 4 * keys + 4 * sizes.mlp
    return Memory(
        states=_FLOAT32 * (weights_and_gradients + optimiser) // gpus,
        gathered=_BFLOAT16 * (sizes.embedding + 2 * sizes.layer_matrices),
        activations=_BFLOAT16 * micro_batch_tokens * (sizes.layers * sizes.hidden + inside_a_layer),
        teacher=_FLOAT32 * teacher.parameters if teacher else 0,
    )


def hours_of(stage: Stage, sizes: Sizes, original: Sizes, hardware: Hardware) -> float:
    """Hours of a stage on all GPUs.

    Args:
        stage: What is done.
        sizes: Of the model as the stage finds it.
        original: Of the unpruned model, the teacher.
        hardware: What it runs on.
    """
    rate = hardware.gpus * hardware.bf16_tflops * 1e12 * hardware.utilisation
    read = sizes.forward(stage.tokens, stage.tokens_an_example)
    if isinstance(stage, Training):
        taught = original.forward(stage.tokens, stage.tokens_an_example) if stage.has_teacher else 0.0
        return (read * _TRAINING / _FORWARD + taught) / rate / _SECONDS
    if isinstance(stage, Pruning):
        # Each layer is run twice, once for its inputs and once as pruned; X'X is summed in float64.
        gram = 2.0 * stage.tokens * sizes.layers * sizes.mlp**2
        return (2 * read / rate + gram / (hardware.gpus * hardware.fp64_tflops * 1e12)) / _SECONDS
    assert isinstance(stage, Reinforcement)
    answers = stage.examples * stage.group
    length = stage.tokens_an_example + stage.tokens_an_answer
    rollouts = answers * stage.tokens_an_answer / (hardware.gpus * stage.rollout_tokens_a_second)
    rewards = answers * stage.queries_an_answer * stage.tokens_an_answer * _FORWARD * stage.ranker_parameters / rate
    updates = sizes.forward(answers * length, length) * _TRAINING / _FORWARD / rate
    return (rollouts + rewards + updates) / _SECONDS
