"""Have the small summarizer read what the ranker learns from: ``precis train small-summaries --out FILE``.

Served, a ranker reads summaries: short fragments, as no body has them. So it is taught by them too, by what the
summarizer that stands before it writes for real ads that nobody judged and for ads in O*NET's words. They are written
once, some 20 minutes of one core, and read by each training (``--summaries FILE``).
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from models.bundle import Role, load_bundle
from models.prompts import RankerPrompt, TextTokenizer
from models.training.command_line import training_command
from models.training.judged import Item, find_evaluation_data
from models.training.judged.files import DEFAULT_FOLDER
from models.training.report.texts import write_summaries
from models.training.small.material import MaterialConfig
from models.training.small.occupations import draw_world
from models.training.small.summaries import Summaries

__all__ = ["main", "summarise"]

_log = logging.getLogger(__name__)


@training_command
def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says."""
    options = _parsed(arguments)
    torch.set_num_threads(options.threads)
    world = draw_world(find_evaluation_data(options.judged_data), options.seed, options.ads, num_rankings=0)
    items = [ad.item for ad in (*world.real, *world.ads.values())]
    _log.info("the summarizer reads %s bodies: some 20 minutes of one core", len(items))
    summarise(options.summarizer, items).store(options.out)
    return 0


def summarise(summarizer: Path, items: Sequence[Item]) -> Summaries:
    """Have each body summarised as the nearline service would, in bfloat16.

    Args:
        summarizer: Its bundle.
        items: With bodies.

    Raises:
        ConfigurationError: The folder holds no summarizer.
    """
    bundle = load_bundle(summarizer, Role.SUMMARIZER)
    prompt = RankerPrompt(TextTokenizer.from_file(bundle.tokenizer_file), bundle.manifest.limits)
    written = write_summaries(bundle, items, prompt.extract, torch.bfloat16)
    return Summaries.of_texts(bundle.revision, ((item.body, written.texts[item.key]) for item in items))


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="precis train small-summaries", description="Summarise the training ads.")
    parser.add_argument("--summarizer", type=Path, required=True, help="bundle of the small summarizer")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    parser.add_argument("--judged-data", type=Path, default=DEFAULT_FOLDER, help="evaluation data")
    defaults = MaterialConfig()
    for name, default, said in (
        ("seed", defaults.seed, "of the training that will read them"),
        ("ads", defaults.ads, "ads in O*NET's words"),
        ("threads", 2, "of torch"),
    ):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{said} (default: %(default)s)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
