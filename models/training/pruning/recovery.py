"""``precis prune recover``: train a pruned ranker a little further, on soft labels, on the unpruned ranker, or both."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

import torch
from transformers import Qwen3ForCausalLM

from models.bundle import Bundle, Manifest, Role, load_bundle
from models.training.batches import padded
from models.training.corpora import Corpus, training_corpus
from models.training.examples import micro_batches
from models.training.export import data_digest, load_weights
from models.training.loop import LoopConfig, LossOfStep, train
from models.training.losses import label_logits, soft_label_loss
from models.training.optimiser import OptimiserConfig
from models.training.pruning.derived import check_out, write_derived
from models.training.pruning.distillation import distillation_loss
from models.training.pruning.prompts import Reader
from models.training.ranker_data import CURRICULUM, Pair, RankerData
from schemas.errors import ConfigurationError

__all__ = ["RECOVERY_RATES", "Lesson", "RecoverConfig", "losses_of", "recover"]

_MICRO_BATCH_TOKENS = 3000

RECOVERY_RATES = OptimiserConfig(matrix_rate=1e-3, other_rate=1e-3, warm_up=0.1, cool_down=0.7)
"""A quarter of the training's peak: enough to mend a cut, not so much that what was learnt goes."""


class Lesson(StrEnum):
    """What is taught."""

    LABELS = "labels"
    DISTILLATION = "distillation"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class RecoverConfig:
    """A recovery. The unpruned ranker as ``bundle`` gives the control: the same steps, on the same pairs."""

    bundle: Path
    """Ranker to train on."""
    original: Path
    """The unpruned ranker: teacher of the distillation."""
    out: Path
    """Folder of the new bundle; a checkpoint lies beside it while the run lasts."""
    steps: int
    """Optimiser steps, of six queries with eight pairs each."""
    lesson: Lesson = Lesson.BOTH
    seed: int = 7
    """Of the order of pairs."""
    optimiser: OptimiserConfig = RECOVERY_RATES


def recover(config: RecoverConfig) -> Manifest:
    """Train and write the bundle; killed and started again it goes on from its checkpoint.

    Returns:
        Its manifest.

    Raises:
        ConfigurationError: A bundle is no ranker's, or is the folder to write; the two differ in tokenizer or prompt.
    """
    bundle, original = load_bundle(config.bundle, Role.RANKER), load_bundle(config.original, Role.RANKER)
    check_out(config.out, bundle, original)
    _check_same_prompts(bundle, original)
    corpus = training_corpus()
    digest = data_digest(corpus.postings, corpus.judged)
    model, teacher = load_weights(bundle.path), load_weights(original.path)
    losses = losses_of(
        model, teacher, _data(bundle, corpus, config.seed), bundle.manifest.label_token_ids, config.lesson
    )
    settings = f"{config.lesson}/{config.seed}/{config.steps}/{config.optimiser}"
    loop = LoopConfig(
        config.steps,
        config.out.with_name(f"{config.out.name}.checkpoint"),
        f"recover/{bundle.revision}/{original.revision}/{digest}/{settings}",
    )
    loss = train(model, losses, loop, config.optimiser, "recover")
    return write_derived(
        model,
        bundle,
        config.out,
        suffix="recovered",
        provenance={
            "command": "precis prune recover",
            "seed": config.seed,
            "steps": config.steps,
            "lesson": config.lesson.value,
            "threads": torch.get_num_threads(),
            "data_sha256": digest,
            "teacher": {"name": original.manifest.name, "revision": original.revision},
            "optimiser": asdict(config.optimiser),
        },
        metrics={"train_loss": round(loss, 4)},
    )


def losses_of(
    model: Qwen3ForCausalLM,
    teacher: Qwen3ForCausalLM,
    data: RankerData,
    label_ids: tuple[int, ...],
    lesson: Lesson,
) -> LossOfStep:
    """Losses of each step, on the pairs of the ranker's last stage of training: whole items, imperfectly told.

    Args:
        model: What learns.
        teacher: In evaluation mode; not asked where labels alone are taught.
        data: Draws a step's pairs from its number.
        label_ids: Ids of `` yes`` and `` no``.
        lesson: Which losses count; both count alike.
    """
    stage = CURRICULUM[-1]

    def of_step(step: int) -> Iterator[torch.Tensor]:
        pairs = data.of_step(step, stage)
        for group in micro_batches([pair.example for pair in pairs], _MICRO_BATCH_TOKENS):
            chosen = [pairs[index] for index in group]
            yield _loss(model, teacher, chosen, label_ids, lesson) * (len(group) / len(pairs))

    return of_step


def _loss(
    model: Qwen3ForCausalLM,
    teacher: Qwen3ForCausalLM,
    pairs: Sequence[Pair],
    label_ids: tuple[int, ...],
    lesson: Lesson,
) -> torch.Tensor:
    batch = padded([pair.example for pair in pairs])
    yes, no = label_ids

    def logits_of(ranker: Qwen3ForCausalLM) -> torch.Tensor:  # [B, 2]
        hidden = ranker.model(input_ids=batch.ids, use_cache=False).last_hidden_state
        return label_logits(ranker, hidden, batch.last, (yes, no))

    parts = []
    with torch.autocast("cpu", torch.bfloat16):
        logits = logits_of(model)
        if lesson is not Lesson.DISTILLATION:
            parts.append(soft_label_loss(logits, torch.tensor([pair.grade for pair in pairs])).mean())
        if lesson is not Lesson.LABELS:
            with torch.no_grad():
                wanted = logits_of(teacher)
            parts.append(distillation_loss(logits, wanted).mean())
    return torch.stack(parts).mean()


def _data(bundle: Bundle, corpus: Corpus, seed: int) -> RankerData:
    return Reader.of(bundle).data(corpus, seed)


def _check_same_prompts(bundle: Bundle, original: Bundle) -> None:
    """A teacher that reads other ids, or answers by other words, teaches nothing.

    Raises:
        ConfigurationError: It does.
    """
    if Reader.of(bundle).prompt.digest != Reader.of(original).prompt.digest:
        raise ConfigurationError(
            f"{str(bundle.path)!r} and {str(original.path)!r} differ in tokenizer, prompt or limits: give as --from "
            "the bundle that this one was pruned from"
        )
