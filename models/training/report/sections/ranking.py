"""The ranker beside BM25 and random order, on every judged set and by kind of match."""

from collections.abc import Iterator

from models.training.judged import JudgedSet
from models.training.report.chapter import Chapter, Chart, Figure, Picture, Series, Table
from models.training.report.study import Study
from models.training.report.texts import Text
from models.training.report.wording import absolute, plain, sentence
from models.training.significance import Interval, difference, mean
from models.training.slices import Slice, by_slice

__all__ = ["measure"]

_FEWEST_OF_A_SLICE = 5
_GOALS = {"generated": "at least +0.05", "ads": "not below 0"}
_NAMES = {"generated": "ranker_minus_bm25", "ads": "ranker_minus_bm25_real"}


def measure(study: Study) -> Chapter:
    """Rank with the summaries that the system would have."""
    rows, figures, tables, pictures, added = [], [], [], [], []
    for judged in study.sets:
        ranker, bm25 = study.rank(judged, Text.WRITTEN), study.bm25(judged)
        gain = difference(ranker.ndcg, bm25.ndcg)
        figures.append(_figure(judged, gain))
        rows.append(
            [
                judged.title,
                str(len(judged.rankings)),
                *(plain(mean(values)) for values in (ranker.ndcg, bm25.ndcg, study.random(judged))),
                absolute(gain),
            ]
        )
        if any(item.body for item in judged.items.values()):
            alone = study.rank(judged, Text.NOTHING)
            gain = difference(ranker.ndcg, alone.ndcg)
            says = f"NDCG@10 with the summary minus with the header alone, {judged.title}"
            figures.append(Figure(f"summary_gain_{judged.name}", gain, says, len(judged.rankings)))
            added.append([judged.title, plain(mean(alone.ndcg)), plain(mean(ranker.ndcg)), absolute(gain)])
        names = [ranking.slices for ranking in judged.rankings]
        if slices := by_slice(names, ranker.ndcg, bm25.ndcg, _FEWEST_OF_A_SLICE):
            tables.append(_slice_table(judged, slices))
            pictures.append(_slice_picture(judged, slices))
    head = ["set", "queries", "ranker", "BM25", "random order", "ranker minus BM25"]
    head_added = ["set", "header alone", "with the summary", "difference"]
    return Chapter(
        "ranking",
        "Ranking",
        "Does the ranker, reading what the nearline service would have stored, order candidates better than BM25 over "
        "the whole text does? NDCG@10, linear gain, over the judged candidates of each query.",
        figures,
        [
            Table("NDCG@10", head, rows),
            Table("What the summary adds: NDCG@10 of the ranker", head_added, added),
            *tables,
        ],
        pictures,
        list(_remarks(study)),
    )


def _figure(judged: JudgedSet, gain: Interval) -> Figure:
    says = f"NDCG@10 of the ranker minus that of BM25 over full text, {judged.title}"
    name = _NAMES.get(judged.name, f"ranker_minus_bm25_{judged.name}")
    return Figure(name, gain, says, len(judged.rankings), goal=_GOALS.get(judged.name))


def _slice_table(judged: JudgedSet, slices: list[Slice]) -> Table:
    rows = [[part.name, str(part.num_queries), plain(part.ours), absolute(part.difference)] for part in slices]
    title = f"By kind of match: {judged.title} (a query may ask for several)"
    return Table(title, ["kind", "queries", "ranker", "ranker minus BM25"], rows)


def _slice_picture(judged: JudgedSet, slices: list[Slice]) -> Picture:
    series = Series("ranker minus BM25", [part.name for part in slices], [part.difference for part in slices])
    title = f"Ranker minus BM25 by kind of match, {judged.title}"
    return Picture(f"slices_{judged.name}", title, Chart.BARS, "", "difference of NDCG@10", [series])


def _remarks(study: Study) -> Iterator[str]:
    yield (
        "BM25 (k1 = 1.2, b = 0.75, no stemming) reads the facts of the header and the whole body; the ranker reads the "
        "header and a summary. Random order is the mean of twenty."
    )
    for judged in study.sets:
        written = study.written(judged)
        if written.num_asked:
            yield (
                f"{sentence(judged.title)}: of {written.num_asked} bodies that were longer than a summary, "
                f"{written.num_fallback} have the extractive fallback, because the gate refused the model's answer."
            )
    if any(judged.name == "melo" for judged in study.sets):
        yield (
            "On MELO an item is a title without a body, and the hard negatives are those that BM25 itself ranks best, "
            "which favours the ranker; the figures are not the benchmark's own."
        )
