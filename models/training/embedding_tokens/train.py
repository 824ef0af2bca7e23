"""Train an encoder: ``precis train embeddings --ranker BUNDLE --out DIR``.

The folder then holds ``encoder``, ``curve.csv`` and, where the ranker learnt too, ``ranker``. Run again after a kill,
it goes on from its checkpoint to the same bytes. ``precis eval embeddings`` measures what came out.
"""

import json
import logging
import sys
from dataclasses import asdict
from random import Random
from typing import Any

import torch
from torch import nn

from models.bundle import Bundle, Role, load_bundle
from models.prompts import RankerPrompt, TextTokenizer
from models.training.architecture import ATTENTION_IN_TRAINING, count_parameters
from models.training.command_line import training_command
from models.training.corpora import Corpus, evaluation_corpus, training_corpus
from models.training.curve import Curve
from models.training.embedding_tokens.bundle import EncoderManifest, write_encoder
from models.training.embedding_tokens.config import EmbeddingsConfig, parse_arguments
from models.training.embedding_tokens.encoder import encoder_of
from models.training.embedding_tokens.material import CURRICULA, Materials
from models.training.embedding_tokens.objective import Objective
from models.training.export import load_weights, versions
from models.training.identity import data_digest, fingerprint
from models.training.loop import LoopConfig, train
from models.training.pruning.derived import check_out, write_derived
from models.training.pruning.plan import Source as RankerSource
from models.training.ranker_data import RankerData

__all__ = ["main"]

_HELD_OUT_QUERIES = 4
_log = logging.getLogger(__name__)


def main(config: EmbeddingsConfig) -> EncoderManifest:
    """Train, and write encoder and ranker.

    Returns:
        The encoder's manifest.

    Raises:
        ConfigurationError: The bundle is no ranker's, or stands where one is to be written.
    """
    torch.set_num_threads(config.threads)
    bundle = load_bundle(config.ranker, Role.RANKER)
    check_out(config.out / "ranker", bundle)
    text, limits = TextTokenizer.from_file(bundle.tokenizer_file), bundle.manifest.limits
    prompt = RankerPrompt(text, limits)
    corpus = training_corpus(config.postings, config.queries)
    ranker = load_weights(bundle.path)
    ranker.set_attn_implementation(ATTENTION_IN_TRAINING)
    encoder = encoder_of(ranker, config.num_vectors, config.seed)
    yes, no = bundle.manifest.label_token_ids
    objective = Objective(encoder, ranker, (yes, no), is_joint=config.is_joint)

    def materials(drawn: Corpus, seed: int) -> Materials:
        data = RankerData(drawn.judged, text, prompt, limits.header, seed)
        return Materials(drawn, prompt, data, seed, config.source)

    losses = objective.of_steps(materials(corpus, config.seed), config.steps, config.seed, CURRICULA[config.source])
    # Whole items of the test's split, the same for every run: no seed takes part.
    evaluation = evaluation_corpus()
    held_out = materials(evaluation, 0).whole(Random(0), evaluation.postings[: config.held_out], _HELD_OUT_QUERIES)
    curve = Curve(
        config.out / "curve.csv",
        config.measured_every,
        lambda: objective.held_out(held_out, sorted({1, min(8, config.num_vectors), config.num_vectors})),
    )
    provenance = _provenance(config, corpus, bundle)
    loop = LoopConfig(config.steps, config.out / "checkpoint", fingerprint(provenance))
    learner = nn.ModuleDict({"encoder": encoder, "ranker": ranker}) if config.is_joint else encoder
    loss = train(learner, losses, loop, config.optimiser, "embeddings", curve)
    metrics = {
        "train_loss": round(loss, 4),
        "held_out_loss": round(objective.held_out(held_out, [config.num_vectors]), 4),
    }
    if config.is_joint:
        folder = config.out / "ranker"
        write_derived(ranker, bundle, folder, suffix="mixed", provenance=provenance, metrics=metrics)
        bundle = load_bundle(folder, Role.RANKER)
    manifest = EncoderManifest(
        ranker=RankerSource(name=bundle.manifest.name, revision=bundle.revision),
        prompt_digest=prompt.digest,
        source=config.source,
        num_vectors=config.num_vectors,
        hidden_size=encoder.projection.out_features,
        provenance=provenance,
        metrics={"parameters": float(count_parameters(encoder)), **metrics},
    )
    write_encoder(encoder, manifest, config.out / "encoder")
    return manifest


def _provenance(config: EmbeddingsConfig, corpus: Corpus, bundle: Bundle) -> dict[str, Any]:
    """All that the weights follow from."""
    return {
        "command": "precis train embeddings",
        "is_joint": config.is_joint,
        "source": config.source.value,
        "num_vectors": config.num_vectors,
        "seed": config.seed,
        "steps": config.steps,
        "threads": config.threads,
        "data_sha256": data_digest(corpus.postings, corpus.judged),
        "curriculum": [asdict(stage) for stage in CURRICULA[config.source]],
        "optimiser": asdict(config.optimiser),
        "started_from": {"name": bundle.manifest.name, "revision": bundle.revision},
        "versions": dict(versions()),
    }


@training_command
def _command() -> int:
    _log.info("%s", json.dumps(main(parse_arguments()).metrics))
    return 0


if __name__ == "__main__":
    sys.exit(_command())
