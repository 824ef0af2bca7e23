"""How far apart readers of the same weights are: what bfloat16 costs, what 4-bit kernels cost, whether engines agree.

The measure is the packaged file, dequantised in float32 by transformers. All readers read the same tokens: texts, and
what llama.cpp continues them with.

Shape suffixes: S steps, V vocabulary, K tokens that llama.cpp names, E hidden size.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

from models.engine.checkpoint import open_bundle
from models.engine.jobs import Prompt
from models.engine.scoring import Group, Prefix, encode_pass
from models.engine.weights import load_model
from models.training.small.packaged import Packaged, Step
from models.training.small.reference import TEXTS, Answer, answer_of, log_probs, read_gguf

__all__ = ["Distance", "Measured", "measure"]

_NUM_STEPS = 24
_NUM_NAMED = 100
_NUM_COMPARED = 10
_LEAST_REST = 1e-9

_Read = Callable[[Sequence[int], int], torch.Tensor]
"""Token ids and a number of steps -> [S, V] log probabilities after each of the last S tokens."""


@dataclass(frozen=True, slots=True)
class Distance:
    """Of one reader from the measure.

    Attributes:
        same_first: Share of the steps in which both find the same token likeliest.
        mean: Of the absolute differences of log probabilities, over the ten tokens that llama.cpp finds likeliest.
        largest: Likewise.
        kl: KL(measure || reader) in nats, mean over the steps, over the hundred tokens that llama.cpp finds likeliest
            and all others as one.
    """

    same_first: float
    mean: float
    largest: float
    kl: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What :func:`measure` finds.

    Attributes:
        num_steps: Compared tokens, of all texts.
        distances: Reader -> how far it is.
        answers: What the measure itself answers: golden numbers.
    """

    num_steps: int
    distances: dict[str, Distance]
    answers: tuple[Answer, ...]

    def as_fields(self) -> dict[str, object]:
        """For JSON, without the answers."""
        return {"steps": self.num_steps, "readers": {name: asdict(each) for name, each in self.distances.items()}}


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """One step of one reader: its likeliest token, and the log probabilities [K] of the tokens that llama.cpp names."""

    first: int
    named_K: torch.Tensor


def measure(file: Path, folder: Path) -> Measured:
    """Compare everything that reads the weights.

    Args:
        file: GGUF.
        folder: What it was converted to.
    """
    packaged = Packaged(file)
    prompts = [packaged.ids(text) for text in TEXTS]
    told = [packaged.steps(ids, _NUM_STEPS, _NUM_NAMED) for ids in prompts]
    exact = read_gguf(file)
    answers = tuple(answer_of(exact, text, ids) for text, ids in zip(TEXTS, prompts, strict=True))
    wanted = _rows(partial(log_probs, exact), prompts, told)
    del exact
    found = {"llama.cpp, weights as packaged": [_told_row(step) for steps in told for step in steps]}
    for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        found[f"transformers, weights as stored, {name}"] = _rows(_transformers(folder, dtype), prompts, told)
        found[f"local engine, weights as stored, {name}"] = _rows(_local_engine(folder, dtype), prompts, told)
    return Measured(len(wanted), {name: _distance(wanted, rows) for name, rows in found.items()}, answers)


def _transformers(folder: Path, dtype: torch.dtype) -> _Read:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, local_files_only=True).eval()
    return partial(log_probs, model)


def _local_engine(folder: Path, dtype: torch.dtype) -> _Read:
    """One packed pass: what all sequences share is the prefix, what follows in each is an item."""
    model = load_model(open_bundle(folder), device=torch.device("cpu"), dtype=dtype)

    @torch.inference_mode()
    def read(ids: Sequence[int], num_steps: int) -> torch.Tensor:
        begin = len(ids) - num_steps
        items = [Prompt(tuple(ids[begin:end])) for end in range(begin + 1, len(ids) + 1)]
        hidden_SE = encode_pass(model, [Group(Prefix(Prompt(tuple(ids[:begin]))), items)])
        return model.logits(hidden_SE).float().log_softmax(-1)

    return read


def _rows(read: _Read, prompts: Sequence[Sequence[int]], told: Sequence[Sequence[Step]]) -> list[_Row]:
    """A reader on every text and its continuation, whose last token is only foretold."""
    rows = []
    for ids, steps in zip(prompts, told, strict=True):
        values_SV = read([*ids, *(step.token for step in steps[:-1])], len(steps))
        rows += [
            _Row(int(values_V.argmax()), values_V[_named(step)].double())
            for values_V, step in zip(values_SV, steps, strict=True)
        ]
    return rows


def _told_row(step: Step) -> _Row:
    values = [step.log_probs[token] for token in _named(step)]
    return _Row(step.token, torch.tensor(values, dtype=torch.float64))


def _named(step: Step) -> list[int]:
    """Likeliest first."""
    return sorted(step.log_probs, key=lambda token: -step.log_probs[token])


def _distance(wanted: Sequence[_Row], found: Sequence[_Row]) -> Distance:
    pairs = list(zip(wanted, found, strict=True))
    differences = torch.stack([(one.named_K - other.named_K).abs()[:_NUM_COMPARED] for one, other in pairs])
    return Distance(
        same_first=sum(one.first == other.first for one, other in pairs) / len(pairs),
        mean=differences.mean().item(),
        largest=differences.max().item(),
        kl=sum(_divergence(one.named_K.exp(), other.named_K.exp()) for one, other in pairs) / len(pairs),
    )


def _divergence(p_K: torch.Tensor, q_K: torch.Tensor) -> float:
    """KL(p || q) over the given probabilities and, as one more, what they leave of 1; in nats."""
    p, q = (torch.cat([each, (1 - each.sum()).clamp_min(_LEAST_REST)[None]]) for each in (p_K, q_K))
    return (p * (p / q).log()).sum().item()
