"""Have the small summarizer read what the ranker learns from: ``precis train small-summaries --out FILE``.

Served, a ranker reads summaries: short fragments, as no body has them. So it is taught by them too, by what the
summarizer that stands before it writes for real ads that nobody judged and for ads in O*NET's words. They are written
once, some 25 minutes of one core, and read by each training (``--summaries FILE``).
"""

import argparse
import hashlib
import json
import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import TypeAdapter, ValidationError

from models.bundle import Role, load_bundle
from models.prompts import RankerPrompt, TextTokenizer
from models.training.command_line import training_command
from models.training.judged import Item, find_evaluation_data
from models.training.judged.files import DEFAULT_FOLDER
from models.training.report.texts import write_summaries
from models.training.small.occupations import draw_world
from schemas.errors import ConfigurationError

__all__ = ["Summaries", "main"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Summaries:
    """Summaries of bodies.

    Attributes:
        made_by: Revision of the summarizer; empty: of none.
        texts: By SHA-256 of the body.
    """

    made_by: str
    texts: Mapping[str, str]

    @classmethod
    def write(cls, summarizer: Path, items: Sequence[Item]) -> "Summaries":
        """Have each body summarised as the nearline service would, in bfloat16.

        Args:
            summarizer: Its bundle.
            items: With bodies.

        Raises:
            BundleError: The folder holds no summarizer.
        """
        bundle = load_bundle(summarizer, Role.SUMMARIZER)
        prompt = RankerPrompt(TextTokenizer.from_file(bundle.tokenizer_file), bundle.manifest.limits)
        written = write_summaries(bundle, items, prompt.extract, torch.bfloat16)
        return cls.of_texts(bundle.revision, ((item.body, written.texts[item.key]) for item in items))

    @classmethod
    def of_texts(cls, made_by: str, texts: Iterable[tuple[str, str]]) -> "Summaries":
        """Of bodies and what was written for them."""
        return cls(made_by, {_name(body): text for body, text in texts})

    @classmethod
    def read(cls, file: Path) -> "Summaries":
        """Read what :meth:`store` wrote.

        Raises:
            ConfigurationError: The file is not there or holds something else.
        """
        try:
            return TypeAdapter(cls).validate_json(file.read_bytes())
        except (OSError, ValidationError) as error:
            message = (
                f"{str(file)!r} holds no summaries: `precis train small-summaries --out FILE` writes them ({error})"
            )
            raise ConfigurationError(message) from error

    def store(self, file: Path) -> None:
        """Write them.

        Raises:
            OSError: The file cannot be written.
        """
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(TypeAdapter(Summaries).dump_json(self, indent=1))

    def of(self, body: str) -> str | None:
        """The summary of a body; None: it was not read."""
        return self.texts.get(_name(body))

    def digest(self) -> str:
        """Identity: SHA-256 over all texts and what they are of."""
        told = json.dumps([self.made_by, sorted(self.texts.items())])
        return hashlib.sha256(told.encode()).hexdigest()


def _name(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


@training_command
def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says."""
    options = _parsed(arguments)
    torch.set_num_threads(options.threads)
    world = draw_world(find_evaluation_data(options.judged_data), options.seed, options.ads, num_rankings=0)
    items = [ad.item for ad in (*world.real, *world.ads.values())]
    _log.info("the summarizer reads %s bodies: some 25 minutes of one core", len(items))
    Summaries.write(options.summarizer, items).store(options.out)
    return 0


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="precis train small-summaries", description="Summarise the training ads.")
    parser.add_argument("--summarizer", type=Path, required=True, help="bundle of the small summarizer")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    parser.add_argument("--judged-data", type=Path, default=DEFAULT_FOLDER, help="evaluation data")
    for name, default, said in (
        ("seed", 7, "of the training that will read them"),
        ("ads", 6000, "ads in O*NET's words"),
        ("threads", 2, "of torch"),
    ):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{said} (default: %(default)s)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
