"""Weights that are read back."""

import json
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from models.training.export import load_weights
from schemas.errors import ConfigurationError

_SIZES = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}


def test_a_llama_is_read_as_one(tmp_path: Path) -> None:
    """Read as Qwen3, it would get norms of its heads from nowhere, with no more than a warning."""
    stored = LlamaForCausalLM(LlamaConfig(vocab_size=64, **_SIZES))
    stored.save_pretrained(tmp_path)
    found = load_weights(tmp_path).state_dict()
    assert found.keys() == stored.state_dict().keys()
    assert all(torch.equal(found[name], weight) for name, weight in stored.state_dict().items())


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2"}), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="holds a gpt2: known here are qwen3, llama"):
        load_weights(tmp_path)
