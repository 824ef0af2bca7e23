"""``python -m models.training.data --out DIR``: write the sample files, and say what their world is like."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from models.training.data.figures import world_figures
from models.training.data.files import SAMPLE_POSTINGS, SAMPLE_QUERIES, SAMPLE_SEED, sample_files, write_files


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, write the files, print the figures of the world."""
    parser = argparse.ArgumentParser(prog="models.training.data", description="Generate postings and judged queries.")
    parser.add_argument("--out", type=Path, required=True, help="folder for postings.jsonl.gz and judged.jsonl.gz")
    parser.add_argument("--seed", type=int, default=SAMPLE_SEED)
    parser.add_argument("--postings", type=int, default=SAMPLE_POSTINGS)
    parser.add_argument("--queries", type=int, default=SAMPLE_QUERIES)
    options = parser.parse_args(arguments)
    contents = sample_files(options.seed, options.postings, options.queries)
    write_files(options.out, contents)
    for name, content in contents.items():
        print(f"{options.out / name}: {len(content):,} bytes")  # noqa: T201 (what a command says)
    for figure, value in world_figures(options.seed, options.postings).items():
        print(f"{figure:42} {value:9.3f}".rstrip("0").rstrip("."))  # noqa: T201


if __name__ == "__main__":
    main()
