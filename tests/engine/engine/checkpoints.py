"""Random tiny Qwen3 and Llama checkpoints on disk, and transformers as the reference for them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedModel, Qwen3Config

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

EOS_ID = 2
SPREAD = 0.15
"""initializer_range at which the scores of a random model spread over 0.005 to 0.995 instead of sitting at 0.5."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Architecture and sizes of a random checkpoint."""

    vocab_size: int = 211
    hidden_size: int = 48
    num_layers: int = 3
    num_heads: int = 4
    num_kv_heads: int = 2
    head_dim: int = 16
    is_head_tied: bool = True
    architecture: type[Qwen3Config | LlamaConfig] = Qwen3Config
    rope_theta: float = 10_000.0


def save_random(path: Path, shape: Shape, *, seed: int = 0, dtype: torch.dtype = torch.float32) -> Path:
    """Write a random checkpoint in the Hugging Face layout, without tokenizer, and return its directory."""
    torch.manual_seed(seed)
    config = shape.architecture(
        vocab_size=shape.vocab_size,
        hidden_size=shape.hidden_size,
        intermediate_size=3 * shape.hidden_size,
        num_hidden_layers=shape.num_layers,
        num_attention_heads=shape.num_heads,
        num_key_value_heads=shape.num_kv_heads,
        head_dim=shape.head_dim,
        max_position_embeddings=256,
        rope_parameters={"rope_type": "default", "rope_theta": shape.rope_theta},
        tie_word_embeddings=shape.is_head_tied,
        initializer_range=SPREAD,
        eos_token_id=EOS_ID,
        pad_token_id=0,
        bos_token_id=None,
    )
    AutoModelForCausalLM.from_config(config).to(dtype).save_pretrained(path)
    return path


def load_reference(path: Path) -> PreTrainedModel:
    """The checkpoint in transformers, float32."""
    return AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()


@torch.inference_mode()
def reference_logits(model: PreTrainedModel, prompt: Sequence[int]) -> torch.Tensor:
    """Logits [V] after the last token of one prompt, computed alone."""
    return model(torch.tensor([list(prompt)])).logits[0, -1].float()


@torch.inference_mode()
def reference_completion(model: PreTrainedModel, prompt: Sequence[int], max_tokens: int) -> list[int]:
    """Greedy tokens of transformers' generate, without the prompt."""
    ids = torch.tensor([list(prompt)])
    out = model.generate(
        ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=max_tokens, pad_token_id=0
    )
    return out[0, len(prompt) :].tolist()


def edit_config(path: Path, **changes: object) -> None:
    """Change fields of a saved config.json."""
    file = path / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))
