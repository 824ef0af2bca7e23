"""A bundle of random weights in the full size of a Qwen3: for measuring and testing engines, with nothing to download.

    python -m models.training.random_bundle --shape qwen3-0.6b --role ranker --out DIR

Shape, vocabulary and storage type are the true model's, so time and memory are too. The tokenizer is the shipped tiny
bundle's; ids that it does not know have small embeddings, so that no answer holds them. The weights are scaled so that
scores spread and most greedy choices survive bfloat16 rounding. The canaries' references are transformers' in
float32, as in every bundle; for the large shapes bodies are shortened and fewer, since a billion parameters write two
or three tokens a second in float32 on a small machine.
"""

import argparse
import json
import logging
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import Qwen3Config, Qwen3ForCausalLM

from models.bundle import Manifest, PromptLimits, RankerCanary, Role, SummarizerCanary
from models.engine.bench import QWEN3_06B
from models.prompts import RankerPrompt, SummarizerPrompt, TextTokenizer
from models.training.architecture import TINY, Shape, count_parameters
from models.training.command_line import training_command
from models.training.export import load_weights, make_readable, versions, write_manifest
from models.training.generation import greedy
from models.training.reference import score_alone
from models.training.tokenizer import VOCABULARY_SIZE, write_tokenizer

__all__ = ["SHAPES", "RandomConfig", "RandomShape", "main", "qwen3_config"]

_SHIPPED = Path(__file__).resolve().parent.parent / "bundles"
_PAD_ID, _EOS_ID = 0, 1
# The difference of two logits has a standard deviation of about twice this: scores from 0.02 to 0.98.
_LOGIT_SCALE = 1.4
_UNKNOWN_SCALE = 0.1

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RandomShape:
    """Sizes of a model, and how its canaries are cut.

    Attributes:
        widths: Widths and depth; the head is the embedding.
        vocabulary: Rows of the embedding.
        positions: Longest context, tokens.
        rope_theta: Base of the rotary frequencies.
        num_texts: Canaries of a summarizer.
        body_chars: Their bodies are cut to so many characters.
    """

    widths: Shape
    vocabulary: int
    positions: int
    rope_theta: float
    num_texts: int
    body_chars: int


_QWEN3_06B = RandomShape(
    Shape(
        hidden=QWEN3_06B["hidden_size"],
        layers=QWEN3_06B["num_hidden_layers"],
        heads=QWEN3_06B["num_attention_heads"],
        kv_heads=QWEN3_06B["num_key_value_heads"],
        head_dim=QWEN3_06B["head_dim"],
        mlp=QWEN3_06B["intermediate_size"],
    ),
    QWEN3_06B["vocab_size"],
    40_960,  # the bench computes short prompts, and says less
    float(QWEN3_06B["rope_theta"]),
    num_texts=3,
    body_chars=600,
)

SHAPES = {
    "tiny": RandomShape(TINY, VOCABULARY_SIZE, 2048, 10_000.0, num_texts=3, body_chars=2000),
    "qwen3-0.6b": _QWEN3_06B,
    "qwen3-1.7b": replace(_QWEN3_06B, widths=replace(_QWEN3_06B.widths, hidden=2048, mlp=6144), num_texts=2),
}
"""By name; the large two as published for Qwen3-0.6B and Qwen3-1.7B."""


@dataclass(frozen=True, slots=True)
class RandomConfig:
    """What to make."""

    out: Path
    """Folder of the bundle; files of an earlier one are replaced."""
    shape: str
    """Key of :data:`SHAPES`."""
    role: Role
    """What it is for."""
    seed: int = 0
    """The same seed gives the same weights."""
    threads: int = 1
    """Torch threads for the canaries' references."""


def main(config: RandomConfig) -> Manifest:
    """Write the bundle.

    Returns:
        Its manifest.
    """
    torch.set_num_threads(config.threads)
    shape = SHAPES[config.shape]
    shipped = _SHIPPED / f"{config.role.value}-tiny"
    tokenizer = Tokenizer.from_file(str(shipped / "tokenizer.json"))
    _write_model(shape, tokenizer.get_vocab_size(), config.seed, config.out)
    write_tokenizer(tokenizer, config.out)
    _set_longest_context(config.out / "tokenizer_config.json", shape.positions)
    _log.info("weights written: %.2f GB; references follow", (config.out / "model.safetensors").stat().st_size / 1e9)
    model = load_weights(config.out)
    text, limits = TextTokenizer.from_file(config.out / "tokenizer.json"), PromptLimits()
    examples = Manifest.model_validate_json((shipped / "precis.json").read_bytes()).canaries
    canaries: tuple[RankerCanary, ...] | tuple[SummarizerCanary, ...]
    prompt: RankerPrompt | SummarizerPrompt
    if config.role is Role.RANKER:
        prompt = ranker = RankerPrompt(text, limits)
        canaries = tuple(_scored(model, ranker, pair) for pair in examples if isinstance(pair, RankerCanary))
        metrics = {"canary_score_std": round(statistics.pstdev(canary.score for canary in canaries), 4)}
    else:
        prompt = summarizer = SummarizerPrompt(text, limits)
        bodies = [entry.body[: shape.body_chars] for entry in examples if isinstance(entry, SummarizerCanary)]
        canaries = tuple(_written(model, text, summarizer, bodies[: shape.num_texts]))
        metrics = {}
    manifest = Manifest(
        role=config.role,
        name=f"{config.role.value}-{config.shape}-random",
        prompt_version=prompt.version,
        limits=limits,
        label_token_ids=prompt.label_token_ids if isinstance(prompt, RankerPrompt) else (),
        canaries=canaries,
        provenance={
            "command": "python -m models.training.random_bundle",
            "seed": config.seed,
            "shape": asdict(shape.widths),
            "weights": "random, untrained",
            "versions": dict(versions()),
        },
        metrics={"parameters": float(count_parameters(model)), **metrics},
    )
    write_manifest(manifest, config.out)
    return manifest


def qwen3_config(shape: RandomShape) -> Qwen3Config:
    """The config.json of a shape."""
    widths = shape.widths
    return Qwen3Config(
        vocab_size=shape.vocabulary,
        hidden_size=widths.hidden,
        num_hidden_layers=widths.layers,
        num_attention_heads=widths.heads,
        num_key_value_heads=widths.kv_heads,
        head_dim=widths.head_dim,
        intermediate_size=widths.mlp,
        max_position_embeddings=shape.positions,
        rope_parameters={"rope_type": "default", "rope_theta": shape.rope_theta},
        tie_word_embeddings=True,
        attention_bias=False,
        pad_token_id=_PAD_ID,
        eos_token_id=_EOS_ID,
        bos_token_id=None,
        dtype=torch.bfloat16,
        architectures=["Qwen3ForCausalLM"],
    )


def _write_model(shape: RandomShape, num_known: int, seed: int, folder: Path) -> None:
    """Write bfloat16 weights, config.json and generation_config.json; needs the memory of one copy."""
    folder.mkdir(parents=True, exist_ok=True)
    config = qwen3_config(shape)
    with torch.device("meta"):
        sizes = [(name, weight.shape) for name, weight in Qwen3ForCausalLM(config).named_parameters()]
    generator = torch.Generator().manual_seed(seed)
    # Deep models whose layers add much to the residual stream choose words by margins below bfloat16 rounding.
    output_scale = min(1.0, (3 / shape.widths.layers) ** 0.5)
    weights = {name: _random(name, size, num_known, output_scale, generator) for name, size in sizes}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    make_readable(folder / "model.safetensors")
    config.save_pretrained(folder)
    (folder / "generation_config.json").write_text(
        json.dumps({"eos_token_id": _EOS_ID, "pad_token_id": _PAD_ID}, indent=2) + "\n", encoding="utf-8"
    )


def _random(
    name: str, size: torch.Size, num_known: int, output_scale: float, generator: torch.Generator
) -> torch.Tensor:
    """One parameter in bfloat16: norms are 1, matrices keep the size of what goes through them."""
    if len(size) == 1:
        return torch.ones(size, dtype=torch.bfloat16)
    width = size[1]
    scale = width**-0.5
    weight = torch.randn(size, generator=generator)
    if name.endswith("embed_tokens.weight"):
        scale *= _LOGIT_SCALE
        weight[num_known:] *= _UNKNOWN_SCALE
    elif name.endswith(("o_proj.weight", "down_proj.weight")):
        scale *= output_scale
    return (weight * scale).to(torch.bfloat16)


def _set_longest_context(file: Path, positions: int) -> None:
    settings = json.loads(file.read_bytes()) | {"model_max_length": positions}
    file.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def _scored(model: Qwen3ForCausalLM, prompt: RankerPrompt, pair: RankerCanary) -> RankerCanary:
    """The pair's texts, rendered and scored alone."""
    query_ids, item_ids = prompt.query_ids(pair.query), prompt.item_ids(pair.header, pair.summary)
    return RankerCanary(
        query=pair.query,
        header=pair.header,
        summary=pair.summary,
        query_ids=tuple(query_ids),
        item_ids=tuple(item_ids),
        score=score_alone(model, query_ids, item_ids, prompt.label_token_ids),
    )


def _written(
    model: Qwen3ForCausalLM, text: TextTokenizer, prompt: SummarizerPrompt, bodies: Sequence[str]
) -> Iterator[SummarizerCanary]:
    """Each body with its greedy answer, written alone."""
    prompts = [prompt.prompt_ids(body) for body in bodies]
    outputs = greedy(model, prompts, prompt.stop_token_ids[0], prompt.max_output_tokens, batch=1)
    for body, ids, output in zip(bodies, prompts, outputs, strict=True):
        yield SummarizerCanary(
            body=body, prompt_ids=tuple(ids), output_ids=tuple(output), text=prompt.summary(text.decode(output))
        )


def parse_arguments(arguments: Sequence[str] | None = None) -> RandomConfig:
    """The settings on a command line."""
    parser = argparse.ArgumentParser(prog="precis bundle random", description="Make a bundle of random weights.")
    parser.add_argument("--shape", choices=sorted(SHAPES), required=True)
    parser.add_argument("--role", choices=[role.value for role in Role], required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder of the bundle")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    return RandomConfig(options.out, options.shape, Role(options.role), options.seed, options.threads)


@training_command
def _command() -> int:
    made = main(parse_arguments())
    _log.info("%s: %d canaries, metrics %s", made.name, len(made.canaries), made.metrics)
    return 0


if __name__ == "__main__":
    sys.exit(_command())
