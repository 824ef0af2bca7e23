"""``precis eval read``: summaries of real ads beside their bodies, to be read by people.

The gate's rules cannot tell a summary that leaves out what matters, or names what does not. Printed is text of the
evaluation data, which is not ours to publish: keep it out of the repository.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import torch

from models.bundle import Role, load_bundle
from models.prompts import RankerPrompt, TextTokenizer
from models.training.command_line import training_command
from models.training.judged import Item, ads_set, find_evaluation_data
from models.training.judged.files import DEFAULT_FOLDER
from models.training.report.scales import add_scale_options, with_scale
from models.training.report.texts import Written, write_summaries

__all__ = ["drawn", "pages"]


def drawn(items: Sequence[Item], count: int, seed: int, tokenizer: TextTokenizer, longest: int) -> list[Item]:
    """So many of the items whose bodies are longer than a summary, at random, in their order.

    Args:
        items: Of a judged set.
        count: Most of them.
        seed: Of the choice.
        tokenizer: The summarizer's.
        longest: Most tokens of a summary.
    """
    asked = [place for place, item in enumerate(items) if tokenizer.count(item.body) > longest]
    chosen = sorted(Random(seed).sample(asked, min(count, len(asked))))
    return [items[place] for place in chosen]


def pages(items: Sequence[Item], written: Written) -> Iterator[str]:
    """Each item in Markdown: title, summary, what the gate says, body."""
    for place, item in enumerate(items, 1):
        verdict = written.verdicts[item.key]
        said = "passed" if verdict.is_faithful else f"refused: {verdict.reason} ({verdict.evidence}), extract instead"
        if item.key in written.shortened:
            said += ", without phrases that the body does not hold"
        yield f"## {place}. {item.facts.title} ({item.key})\n\n{written.texts[item.key]}\n\n*{said}*\n\n{item.body}\n\n"


@training_command
def main(arguments: Sequence[str] | None = None) -> int:
    """Draw, summarise, print."""
    parser = argparse.ArgumentParser(prog="precis eval read", description="Print summaries of real ads beside bodies.")
    add_scale_options(parser)
    parser.add_argument("--count", type=int, default=30, help="ads (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="of the choice (default: %(default)s)")
    parser.add_argument("--judged-data", type=Path, default=DEFAULT_FOLDER, help="evaluation data")
    parser.add_argument("--threads", type=int, default=2, help="of torch (default: %(default)s)")
    options = with_scale(parser, parser.parse_args(arguments))
    torch.set_num_threads(options.threads)
    summarizer, ranker = load_bundle(options.summarizer, Role.SUMMARIZER), load_bundle(options.ranker, Role.RANKER)
    prompt = RankerPrompt(TextTokenizer.from_file(ranker.tokenizer_file), ranker.manifest.limits)
    tokenizer = TextTokenizer.from_file(summarizer.tokenizer_file)
    judged = ads_set(find_evaluation_data(options.judged_data))
    longest = summarizer.manifest.limits.summary
    items = drawn(list(judged.items.values()), options.count, options.seed, tokenizer, longest)
    sys.stdout.writelines(pages(items, write_summaries(summarizer, items, prompt.extract)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
