"""Measure both bundles together: ``python -m models.training.evaluation --ranker DIR --summarizer DIR``.

The ranker's own training measures it with target summaries; here it reads what the summarizer wrote, as in the running
system.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from models.bundle import Bundle, Role, load_bundle
from models.prompts import RankerPrompt, SummarizerPrompt, TextTokenizer
from models.training.baselines import baselines
from models.training.corpora import Corpus, evaluation_corpus
from models.training.data import GeneratedPosting
from models.training.export import load_weights, write_manifest
from models.training.measures import measure_summaries, ndcg_at_10
from models.training.ranker_data import RankerData
from models.training.ranker_report import score_judged, target_summary
from models.training.summarizer_report import summarise

__all__ = ["measure_chain", "record_metrics"]


def measure_chain(ranker: Bundle, summarizer: Bundle, corpus: Corpus, seed: int) -> dict[str, float]:
    """Summarise every posting, then rank with these summaries.

    Args:
        ranker: Ranker bundle.
        summarizer: Summarizer bundle.
        corpus: Held-out postings and judged queries.
        seed: Of the random baseline.

    Returns:
        nDCG@10 with written and with target summaries, of the baselines, and the measures of the summaries.
    """
    writer = TextTokenizer.from_file(summarizer.tokenizer_file)
    written = summarise(
        load_weights(summarizer.path),
        SummarizerPrompt(writer, summarizer.manifest.limits),
        writer,
        [posting.body for posting in corpus.postings],
    )
    summaries = {posting.job_id: text for posting, (text, _) in zip(corpus.postings, written, strict=True)}
    measures = measure_summaries(
        corpus.postings,
        [text for text, _ in written],
        [
            (writer.count(text), writer.count(post.body))
            for post, (text, _) in zip(corpus.postings, written, strict=True)
        ],
        [ended for _, ended in written],
    )
    ranking = _rank(ranker, corpus, summaries)
    return {**ranking, **baselines(corpus.postings, corpus.judged, seed), **measures.as_metrics()}


def _rank(ranker: Bundle, corpus: Corpus, summaries: Mapping[str, str]) -> dict[str, float]:
    reader, limits = TextTokenizer.from_file(ranker.tokenizer_file), ranker.manifest.limits
    prompt, model = RankerPrompt(reader, limits), load_weights(ranker.path)
    data = RankerData(corpus.judged, reader, prompt, limits.header, seed=0)

    def written(posting: GeneratedPosting) -> str:
        return summaries[posting.job_id]

    return {
        name: ndcg_at_10(corpus.judged, score_judged(model, prompt, data, corpus.judged, summary_of))
        for name, summary_of in (("ndcg_at_10_written_summaries", written), ("ndcg_at_10", target_summary))
    }


def record_metrics(bundle: Bundle, metrics: Mapping[str, float]) -> None:
    """Add metrics to the bundle's ``precis.json``; its revision does not change."""
    manifest = bundle.manifest.model_copy(update={"metrics": {**bundle.manifest.metrics, **metrics}})
    write_manifest(manifest, bundle.path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, measure, print JSON."""
    parser = argparse.ArgumentParser(
        prog="models.training.evaluation", description="Measure both tiny models together."
    )
    parser.add_argument("--ranker", type=Path, required=True, help="ranker bundle")
    parser.add_argument("--summarizer", type=Path, required=True, help="summarizer bundle")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7, help="of the random baseline")
    parser.add_argument("--record", action="store_true", help="write the chain's nDCG@10 into the ranker's precis.json")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    ranker, summarizer = load_bundle(options.ranker, Role.RANKER), load_bundle(options.summarizer, Role.SUMMARIZER)
    metrics = {
        name: round(value, 4)
        for name, value in measure_chain(ranker, summarizer, evaluation_corpus(), options.seed).items()
    }
    if options.record:
        record_metrics(ranker, {"ndcg_at_10_written_summaries": metrics["ndcg_at_10_written_summaries"]})
    print(json.dumps(metrics, indent=2))  # noqa: T201 (what a command says)


if __name__ == "__main__":
    main()
