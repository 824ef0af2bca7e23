"""What the pretrained model answers, by readers that share no code with the conversion; and the check against it.

``golden.json`` holds a few texts, their ids as llama.cpp makes them, and the next tokens that transformers chooses
greedily from the GGUF file it dequantised itself in float32. ``precis bundle measure small --write-golden`` writes it.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict
from transformers import AutoModelForCausalLM, PreTrainedModel

from models.prompts import TextTokenizer
from schemas.errors import BackendProtocolError

__all__ = ["GOLDEN", "TEXTS", "Answer", "Golden", "answer_of", "check_answers", "log_probs", "read_gguf"]

GOLDEN = Path(__file__).with_name("golden.json")
_TOLERANCE = 0.05
"""Of a log probability. Storing the weights in bfloat16 moves one by half of it (docs/small.md), a wrong order of rows
by whole units."""
_NUM_NEXT = 8

TEXTS = (
    "The capital of France is",
    "Registered Nurse (RN), Intensive Care, nights. City Hospital, Zürich, pays $38.50 an hour",
    "We are hiring a senior backend developer. You will build services in Rust and",
    "Job: forklift driver. Query: react developer. Is the job relevant to the query? Answer:",
    "Summary of the posting: full-time, remote, 401(k), starts 2026-11-02,",
)
"""Plain text: special tokens, whose text a tokenizer may or may not read as such, are not what is compared."""


class Answer(BaseModel):
    """A text and what follows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    ids: tuple[int, ...]
    next_ids: tuple[int, ...]
    """The likeliest token after the text, then after that, and so on."""
    log_probs: tuple[float, ...]
    """Of each of ``next_ids``, natural logarithm."""


class Golden(BaseModel):
    """The content of ``golden.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    answers: tuple[Answer, ...]


def read_gguf(file: Path) -> PreTrainedModel:
    """The model as transformers reads GGUF: by its own names, order of rows and configuration; float32."""
    model = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
    return model.eval()


@torch.inference_mode()
def log_probs(model: PreTrainedModel, ids: Sequence[int], num_last: int) -> torch.Tensor:
    """[num_last, V] log probabilities of what follows each of the last tokens, in float32."""
    logits_TV = model(torch.tensor([list(ids)]), logits_to_keep=num_last).logits[0]
    return logits_TV.float().log_softmax(-1)


def answer_of(model: PreTrainedModel, text: str, ids: Sequence[int]) -> Answer:
    """The model's greedy continuation."""
    next_ids: list[int] = []
    chosen: list[float] = []
    for _ in range(_NUM_NEXT):
        value, token = log_probs(model, [*ids, *next_ids], 1)[0].max(-1)
        next_ids.append(int(token))
        chosen.append(round(float(value), 5))
    return Answer(text=text, ids=tuple(ids), next_ids=tuple(next_ids), log_probs=tuple(chosen))


def check_answers(golden: Golden, folder: Path) -> float:
    """Compare a converted directory with the golden answers, on its weights in float32.

    Returns:
        The largest distance of a log probability.

    Raises:
        BackendProtocolError: A text has other token ids, or a log probability is far off.
    """
    tokenizer = TextTokenizer.from_file(folder / "tokenizer.json")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True).eval()
    largest = 0.0
    for answer in golden.answers:
        if tuple(tokenizer.encode(answer.text)) != answer.ids:
            raise _differs(f"the text {answer.text!r} has other token ids")
        found_NV = log_probs(model, [*answer.ids, *answer.next_ids[:-1]], len(answer.next_ids))
        found_N = found_NV.gather(1, torch.tensor(answer.next_ids)[:, None])[:, 0]
        largest = max(largest, (found_N - torch.tensor(answer.log_probs)).abs().max().item())
    if not largest <= _TOLERANCE:
        raise _differs(f"a log probability is off by {largest:.3g} (allowed: {_TOLERANCE})")
    return largest


def _differs(found: str) -> BackendProtocolError:
    return BackendProtocolError(
        f"the converted model does not answer as the packaged one: {found}. A version of gguf or transformers that is "
        "not the locked one may read the file otherwise: run `make setup-training`",
        backend="small",
        operation="check conversion",
    )
