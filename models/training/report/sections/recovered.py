"""The ranker that was pruned and trained anew, beside the one that it was pruned from (the paper's Table 3)."""

from models.training.report import paper
from models.training.report.chapter import Chapter, Figure, Table
from models.training.report.study import Study
from models.training.report.texts import Text
from models.training.report.wording import absolute, percent, plain
from models.training.significance import difference, mean, relative_difference
from schemas.errors import ConfigurationError

__all__ = ["measure"]


def measure(study: Study) -> Chapter:
    """Rank every set with the summaries that the system would have.

    Raises:
        ConfigurationError: No bundle is named.
    """
    if study.recovered is None:
        raise ConfigurationError("section recovered: --recovered names no bundle of a pruned ranker")
    rows, figures = [], []
    for judged in study.sets:
        whole = study.rank(judged, Text.WRITTEN)
        pruned = study.recovered.rank(judged, study.texts(judged, Text.WRITTEN))
        cost, bm25 = relative_difference(pruned.ndcg, whole.ndcg), study.bm25(judged)
        says = f"NDCG@10 of the pruned and recovered ranker, relative to the unpruned one, {judged.title}"
        figures.append(
            Figure(f"recovered_relative_{judged.name}", cost, says, len(judged.rankings), paper.PRUNED, "at least -1 %")
        )
        measured = [plain(mean(each.ndcg)) for each in (whole, pruned)]
        over = absolute(difference(pruned.ndcg, bm25.ndcg))
        rows.append([judged.title, str(len(judged.rankings)), *measured, percent(cost), over])
    sizes = [scorer.num_parameters / 1e6 for scorer in (study.scorer, study.recovered)]
    return Chapter(
        "recovered",
        "Pruned and recovered",
        f"What is left of the ranker's quality with {sizes[1]:.1f} of {sizes[0]:.1f} million parameters, pruned by "
        "OSSCAR, without some of its layers, and trained anew? Each item is read with its written summary.",
        figures,
        [Table("NDCG@10", ["set", "queries", "unpruned", "pruned", "relative", "pruned minus BM25"], rows)],
        [],
        [paper.SECOND_HAND],
    )
