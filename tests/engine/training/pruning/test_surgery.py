"""Parts taken out of a small Qwen3 or Llama: what is left computes what the whole computes with these parts at zero."""

import copy

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel

from models.training.architecture import Shape, build_model
from models.training.pruning.problem import columns_of
from models.training.pruning.surgery import drop_layers, fit_config, keep_kv_heads, keep_neurons
from tests.engine.training.pruning.llamas import build_llama

SMALL = Shape(hidden=48, layers=3, heads=6, kv_heads=3, head_dim=8, mlp=48)
IDS = torch.tensor([[5, 6, 7, 8, 9, 10, 11]])


@pytest.fixture(params=[build_model, build_llama])
def model(request: pytest.FixtureRequest) -> PreTrainedModel:
    return request.param(SMALL, 64, seed=1).eval()


def logits(model: PreTrainedModel) -> torch.Tensor:
    with torch.inference_mode():
        return model(input_ids=IDS, use_cache=False).logits


def transposed(projection: torch.nn.Linear) -> np.ndarray:
    return projection.weight.detach().double().numpy().T


def test_a_narrow_mlp_equals_the_wide_one_with_zeros(model: PreTrainedModel) -> None:
    """Gate, up and down lose the same neurons."""
    zeroed, kept = copy.deepcopy(model), np.array([0, 3, 4, 17, 40, 47])
    gone = np.setdiff1d(np.arange(48), kept)
    for layer in zeroed.model.layers:
        layer.mlp.down_proj.weight.data[:, gone] = 0
    for layer in model.model.layers:
        keep_neurons(layer.mlp, kept, transposed(layer.mlp.down_proj))
    fit_config(model)
    assert model.config.intermediate_size == 6
    assert torch.allclose(logits(model), logits(zeroed), atol=1e-5)


def test_fewer_heads_equal_all_heads_with_zeros(model: PreTrainedModel) -> None:
    """A key-value head goes with the query heads that read it; the ratio of the two stays."""
    zeroed, kept = copy.deepcopy(model), np.array([0, 2])
    for layer in zeroed.model.layers:
        layer.self_attn.o_proj.weight.data[:, columns_of(np.array([1]), 16)] = 0
    for layer in model.model.layers:
        keep_kv_heads(layer.self_attn, kept, transposed(layer.self_attn.o_proj))
    fit_config(model)
    assert (model.config.num_attention_heads, model.config.num_key_value_heads) == (4, 2)
    assert torch.allclose(logits(model), logits(zeroed), atol=1e-5)


def test_a_dropped_layer_leaves_a_stock_model(model: PreTrainedModel) -> None:
    """Another model of that config, given the weights, computes and generates the same: also through its cache."""
    drop_layers(model, {1})
    assert model.config.num_hidden_layers == 2
    stock = type(model)(model.config).eval()
    stock.load_state_dict(model.state_dict())
    assert torch.equal(logits(model), logits(stock))
    written = [each.generate(IDS, max_new_tokens=8, do_sample=False).tolist() for each in (model, stock)]
    assert written[0] == written[1]


def test_layers_of_different_widths_are_refused(model: PreTrainedModel) -> None:
    """No engine would load them."""
    layer = model.model.layers[0]
    keep_neurons(layer.mlp, np.arange(8), transposed(layer.mlp.down_proj))
    with pytest.raises(ValueError, match=r"\[8, 48\] neurons"):
        fit_config(model)
