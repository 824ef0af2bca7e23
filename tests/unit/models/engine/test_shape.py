"""config.json to numbers: what is read, what is assumed, what is refused by name."""

import pytest

from models.engine.errors import BundleError
from models.engine.shape import parse_shape

SMOLLM2 = {
    "model_type": "llama",
    "num_hidden_layers": 30,
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "vocab_size": 49_152,
    "max_position_embeddings": 8192,
    "rms_norm_eps": 1e-5,
    "rope_theta": 100_000.0,
    "tie_word_embeddings": True,
    "eos_token_id": 2,
}


def parsed(**changes):
    return parse_shape(SMOLLM2 | changes, {}, source="config.json")


def test_a_llama_has_no_head_norms_and_heads_of_its_hidden_size():
    """The published size of SmolLM2-135M comes out, to the parameter."""
    shape = parsed()
    assert (shape.head_dim, shape.has_head_norms, shape.rope_theta, shape.norm_eps) == (64, False, 100_000.0, 1e-5)
    assert shape.num_parameters == 134_515_008


def test_what_a_llama_leaves_out_is_as_in_transformers():
    """Context, epsilon, base and an untied head by default; a stated head size wins."""
    absent = ("max_position_embeddings", "rms_norm_eps", "rope_theta", "tie_word_embeddings")
    shape = parsed(**dict.fromkeys(absent), head_dim=32)
    assert (shape.context_tokens, shape.norm_eps, shape.rope_theta) == (2048, 1e-6, 10_000.0)
    assert (shape.is_head_tied, shape.head_dim) == (False, 32)


def test_a_qwen3_has_head_norms():
    """Their weights count, two heads' worth a layer."""
    shape = parsed(model_type="qwen3", head_dim=64)
    assert shape.has_head_norms
    assert shape.num_parameters == parsed().num_parameters + 30 * 2 * 64


@pytest.mark.parametrize("place", ["rope_parameters", "rope_scaling"])
def test_the_base_is_read_where_newer_and_older_files_state_it(place):
    """Transformers 5 moved rope_theta beside the kind of scaling."""
    assert parsed(**{"rope_theta": None, place: {"rope_type": "default", "rope_theta": 5e5}}).rope_theta == 5e5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "gemma3"}, "model_type 'gemma3'; this engine runs 'qwen3' and 'llama'"),
        ({"attention_bias": True}, "attention_bias is set"),
        ({"mlp_bias": True}, "mlp_bias is set"),
        ({"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}, "rope_type 'llama3'"),
        ({"hidden_size": 577}, "hidden_size 577 does not divide by 9 heads"),
        ({"num_attention_heads": 0}, "num_attention_heads 0"),
        ({"num_hidden_layers": "30"}, "num_hidden_layers missing or not a whole number"),
    ],
)
def test_what_is_not_computed_is_refused_by_name(changes, message):
    """Before a weight is read."""
    with pytest.raises(BundleError, match=message):
        parsed(**changes)
