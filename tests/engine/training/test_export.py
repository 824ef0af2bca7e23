"""Weights that are read back."""

from pathlib import Path

import pytest
from transformers import LlamaConfig, LlamaForCausalLM

from models.training.export import load_weights
from schemas.errors import ConfigurationError


def test_another_architecture_is_refused_instead_of_made_up(tmp_path: Path) -> None:
    """Read as Qwen3, a Llama would get norms of its heads from nowhere, with no more than a warning."""
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    LlamaForCausalLM(LlamaConfig(vocab_size=64, **sizes)).save_pretrained(tmp_path)
    with pytest.raises(ConfigurationError, match="holds a llama: training and pruning here know Qwen3 only"):
        load_weights(tmp_path)
