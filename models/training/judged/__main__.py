"""``precis data judged --out DIR``: the judged real ads as two files, in the form of the shipped sample.

They are made from the evaluation data beside the checkout and are not to be copied into it.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from models.training.command_line import training_command
from models.training.data.files import packed, write_files
from models.training.judged import ads_set, find_evaluation_data
from models.training.judged.files import DEFAULT_FOLDER
from schemas.posting import job_id_of

__all__ = ["main"]


@training_command
def main(arguments: Sequence[str] | None = None) -> int:
    """Write them, and say how many.

    Returns:
        Exit status: 0 done; 2 the evaluation data are not there.
    """
    parser = argparse.ArgumentParser(prog="precis data judged", description="Write the judged real ads as files.")
    parser.add_argument("--out", type=Path, required=True, help="folder for postings.jsonl.gz and judged.jsonl.gz")
    parser.add_argument("--judged-data", type=Path, default=DEFAULT_FOLDER, help="evaluation data")
    parser.add_argument("--queries", type=int, default=150, help="at most (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=11, help="of the queries; the report's is %(default)s")
    options = parser.parse_args(arguments)
    data = find_evaluation_data(options.judged_data)
    judged = ads_set(data, options.queries, options.seed)
    wanted = {key for ranking in judged.rankings for key in ranking.keys}
    rows = (row for name in ("usajobs", "emscad") for row in data.rows(name) if job_id_of(row) in wanted)
    queries = (
        {"query_id": f"ads-{at:04d}", "query": each.query, "grades": dict(zip(each.keys, each.grades, strict=True))}
        for at, each in enumerate(judged.rankings)
    )
    write_files(options.out, {"postings.jsonl.gz": packed(rows), "judged.jsonl.gz": packed(queries)})
    print(f"{options.out}: {len(judged.rankings)} queries over {len(wanted)} ads")  # noqa: T201 (what a command says)
    return 0


if __name__ == "__main__":
    sys.exit(main())
