"""``precis prune recover``: train a pruned ranker a little further, on soft labels, on the unpruned ranker, or both."""

from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from models.bundle import Bundle, Manifest, Role, load_bundle
from models.training.corpora import training_corpus
from models.training.export import load_weights
from models.training.identity import data_digest
from models.training.loop import LoopConfig, train
from models.training.optimiser import OptimiserConfig
from models.training.pruning.derived import check_out, write_derived
from models.training.pruning.lessons import Answers, Lesson, losses_of, whole_items
from models.training.pruning.prompts import Reader
from models.training.sharding import ALONE, Ranks, gathered, shard, shard_device
from schemas.errors import ConfigurationError

__all__ = ["RECOVERY_RATES", "RecoverConfig", "recover"]

RECOVERY_RATES = OptimiserConfig(matrix_rate=1e-3, other_rate=1e-3, warm_up=0.1, cool_down=0.7)
"""A quarter of the training's peak: enough to mend a cut, not so much that what was learnt goes."""


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
    postings: int = 6000
    queries: int = 9000
    """Of the generated training data, as the ranker's own training has them."""


def recover(config: RecoverConfig, ranks: Ranks = ALONE) -> Manifest | None:
    """Train and write the bundle; killed and started again it goes on from its checkpoint.

    Args:
        config: What to do; the same for all processes.
        ranks: Where several processes share the work. Each keeps a checkpoint, and the first writes the bundle.

    Returns:
        Its manifest; None in processes that are not the first.

    Raises:
        ConfigurationError: A bundle is no ranker's, or is the folder to write; the two differ in tokenizer or prompt.
    """
    bundle, original = load_bundle(config.bundle, Role.RANKER), load_bundle(config.original, Role.RANKER)
    check_out(config.out, bundle, original)
    _check_same_prompts(bundle, original)
    corpus = training_corpus(config.postings, config.queries)
    digest = data_digest(corpus.postings, corpus.judged)
    model, teacher = load_weights(bundle.path), load_weights(original.path)
    labels = bundle.manifest.label_token_ids
    answers, data = Answers(model, labels), Reader.of(bundle).data(corpus, config.seed)
    losses = losses_of(answers, Answers(teacher, labels), whole_items(data), config.lesson, ranks)
    name = config.out.name
    if ranks is not ALONE:
        shard(answers, model, ranks)
        teacher.to(shard_device())
        name = f"{name}.{ranks.rank}-of-{ranks.world_size}"
    settings = f"{config.lesson}/{config.seed}/{config.steps}/{config.optimiser}"
    loop = LoopConfig(
        config.steps,
        config.out.with_name(f"{name}.checkpoint"),
        f"recover/{bundle.revision}/{original.revision}/{digest}/{settings}",
    )
    loss = train(answers, losses, loop, config.optimiser, "recover")
    if ranks is not ALONE:
        weights = gathered(answers)
        if not ranks.is_first:
            return None
        model = load_weights(bundle.path)
        Answers(model, labels).load_state_dict(weights)
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
            "processes": ranks.world_size,
            "data_sha256": digest,
            "teacher": {"name": original.manifest.name, "revision": original.revision},
            "optimiser": asdict(config.optimiser),
        },
        metrics={"train_loss": round(loss, 4)},
    )


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
