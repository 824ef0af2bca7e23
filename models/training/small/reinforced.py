"""Train the small summarizer by reinforcement: ``precis train small-gspo --from ADAPTER --out DIR``.

As ``precis train gspo``, but that an adapter is trained and the small ranker rewards, and that some of the postings are
real ads (:mod:`real_episodes`). The folder holds what that command leaves, and the adapter in ``adapter``.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from models.bundle import MANIFEST, Bundle, Role, load_bundle
from models.prompts import SummarizerPrompt, TextTokenizer
from models.training.architecture import ATTENTION_IN_TRAINING, CausalModel
from models.training.command_line import training_command
from models.training.corpora import evaluation_corpus
from models.training.export import load_weights
from models.training.identity import fingerprint
from models.training.judged import find_evaluation_data
from models.training.judged.files import DEFAULT_FOLDER
from models.training.reinforce import gspo
from models.training.reinforce.config import GspoConfig, add_options, config_of, options_said
from models.training.reinforce.episodes import Episode, Reference
from models.training.reinforce.held_out import HeldOut
from models.training.reinforce.reader import Reader
from models.training.reinforce.records import write_json
from models.training.reinforce.table import recorded
from models.training.small.adapter import adapter_provenance, load_adapter, save_adapter, taken_up
from models.training.small.bundles import merge, write_bundle
from models.training.small.occupations import unjudged_ads
from models.training.small.real_episodes import real_episodes
from models.training.small.speed import multiply_short
from models.training.small.teachable import Teachable

__all__ = ["SmallGspoConfig", "main"]

_DEFAULTS: dict[str, Any] = {
    "steps": 64,
    "reference": Reference.FACTS,
    "noise": 0.0,
    "postings": 600,
    "learning_rate": 1e-4,
    "save_every": 2,
    "evaluated": 8,
    "threads": 2,
}
"""Where they are others than those of the tiny scale. Of the generated postings as many are asked about as there are
real ads, which are noise enough; an adapter wants a higher rate than whole weights."""


@dataclass(frozen=True, slots=True)
class SmallGspoConfig:
    """A training run.

    Attributes:
        run: How it goes; its ``summarizer`` is where the bundle to start from is written.
        base: What `precis bundle fetch small` made.
        start: Folder of the adapter to go on from.
        judged_data: The evaluation data, whose ads are learnt from where no judged set has them.
    """

    run: GspoConfig
    base: Path
    start: Path
    judged_data: Path = DEFAULT_FOLDER


class AdapterPolicy:
    """An adapter that is trained on; all under it stays as it is."""

    def __init__(self, base: Path, start: Path, out: Path) -> None:
        """Read both.

        Args:
            base: The pretrained weights.
            start: Folder of the adapter.
            out: Where it is stored.
        """
        self._base, self._out = base, out
        self.model = load_weights(base)
        self.trained = taken_up(self.model, start)
        self.model.set_attn_implementation(ATTENTION_IN_TRAINING)
        multiply_short(self.model)

    def resume(self, checkpoint: Path) -> None:
        """Take over the adapter: beside the copy that TRL compares with, transformers passes over it."""
        load_adapter(self.trained, checkpoint)

    def store(self, folder: Path) -> CausalModel:
        """Write the adapter, and the weights that it makes of the base."""
        save_adapter(self.trained, self._out)
        folder.mkdir(parents=True, exist_ok=True)
        merge(self._base, self._out, folder, folds_case=False)
        return load_weights(folder)


def main(config: SmallGspoConfig) -> dict[str, Any]:
    """Measure, train, measure again, and write adapter and bundle.

    Returns:
        As :func:`models.training.reinforce.gspo.main`.

    Raises:
        ConfigurationError: A bundle, the adapter or the data are not there, or the folder holds another run.
    """
    run, trained = config.run, config.run.out / "adapter"
    torch.set_num_threads(run.threads)
    if not run.summarizer.exists():
        run.out.mkdir(parents=True, exist_ok=True)
        write_bundle(config.base, config.start, run.summarizer)
    ranker = load_bundle(run.ranker, Role.RANKER)
    reader = Reader(ranker, multiply_short(load_weights(ranker.path).requires_grad_(requires_grad=False)))
    source = Teachable.of(find_evaluation_data(config.judged_data))
    ads = unjudged_ads(source.real, source.ads)

    def of_real_ads(prompt: SummarizerPrompt, tokenizer: TextTokenizer) -> Sequence[Episode]:
        return real_episodes(
            ads,
            run.queries,
            run.seed,
            prompt=prompt,
            tokenizer=tokenizer,
            header_of=reader.header_of,
        )

    def policy(start: Bundle) -> AdapterPolicy:
        del start  # merged of these two
        return AdapterPolicy(config.base, config.start, trained)

    held_out = HeldOut(evaluation_corpus(), run.evaluated, reader, run.reference)
    about = {
        "command": "precis train small-gspo",
        "start": adapter_provenance(config.start),
        "real_ads": fingerprint({ad.item.key: repr(ad.item) for ad in ads}),
    }
    result = gspo.main(run, held_out, policy, of_real_ads, about)
    command = f"precis train small-gspo{options_said(run, defaults=_DEFAULTS)}"
    record = recorded([result], "small-gspo", "Small summarizer by reinforcement", command)
    write_json(run.out / "recorded.json", record.model_dump(mode="json"))
    shutil.copyfile(run.out / "bundle" / MANIFEST, trained / MANIFEST)
    shutil.rmtree(run.summarizer)
    return result


def parse_arguments(arguments: Sequence[str] | None = None) -> SmallGspoConfig:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="precis train small-gspo", description="Train its adapter by reinforcement.")
    parser.add_argument("--base", type=Path, required=True, help="what `precis bundle fetch small` made")
    parser.add_argument("--from", dest="start", type=Path, required=True, help="folder of the adapter to go on from")
    parser.add_argument("--judged-data", type=Path, default=DEFAULT_FOLDER, help="evaluation data")
    parser.add_argument("--ranker", type=Path, required=True, help="bundle whose answers the reward compares")
    add_options(parser, left_out=frozenset({"summarizer", "ranker"}), defaults=_DEFAULTS)
    options = parser.parse_args(arguments)
    run = config_of(options)
    run = replace(run, summarizer=run.out / "start")
    return SmallGspoConfig(run, options.base, options.start, options.judged_data)


@training_command
def _command() -> int:
    return gspo.show(main(parse_arguments()))


if __name__ == "__main__":
    sys.exit(_command())
