"""The ranker beside two small embedding models that were trained to find texts: e5-small and bge-small."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from models.labels.teachers.weights import TEACHERS
from models.training.judged import JudgedSet
from models.training.report.chapter import Chapter, Figure, Table
from models.training.report.scorer import Rankings
from models.training.report.study import Study
from models.training.report.texts import Text
from models.training.report.wording import absolute, plain
from models.training.significance import difference, mean
from models.training.teachers.encoder import Encoder
from schemas.errors import ConfigurationError

__all__ = ["measure"]

_MOST_PASSAGES = 4
"""Of 512 tokens each, of an ad."""


def measure(study: Study) -> Chapter:
    """Rank the real sets by cosine as well.

    Raises:
        ConfigurationError: The weights are not there.
    """
    folder = study.settings.embedders
    if folder is None:
        raise ConfigurationError("section embedders: run `precis label fetch-teachers` first, or leave it out")
    encoders = {teacher.name: Encoder(teacher, folder) for teacher in TEACHERS}
    head = ["set", "queries", "ranker", "BM25"]
    for name in encoders:
        head += [name, f"ranker minus {name}"]
    rows, figures = [], []
    for judged in (judged for judged in study.sets if judged.is_real):
        ranker = study.rank(judged, Text.WRITTEN)
        row = [judged.title, str(len(judged.rankings)), plain(mean(ranker.ndcg)), plain(mean(study.bm25(judged).ndcg))]
        headers = {key: study.scorer.header(item) for key, item in judged.items.items()}
        for name, encoder in encoders.items():
            theirs = cosine_rankings(judged, headers, encoder)
            gain = difference(ranker.ndcg, theirs.ndcg)
            row += [plain(mean(theirs.ndcg)), absolute(gain)]
            says = f"NDCG@10 of the ranker minus that of {name} over full text, {judged.title}"
            goal = "above 0" if judged.name == "ads" else None
            figures.append(
                Figure(f"ranker_minus_{name.split('-')[0]}_{judged.name}", gain, says, len(judged.rankings), goal=goal)
            )
        rows.append(row)
    remark = (
        f"Each reads header and body, in up to {_MOST_PASSAGES} passages of at most 512 tokens with the header before "
        "each, and ranks by the mean cosine. The ranker reads the header and a summary."
    )
    return Chapter(
        "embedders",
        "Beside embedding models",
        "Two models of 33 million parameters, trained by their makers to find texts for queries; they were not trained "
        "on postings. NDCG@10 over the same candidates.",
        figures,
        [Table("NDCG@10 on real sets", head, rows)],
        [],
        [remark],
    )


def cosine_rankings(judged: JudgedSet, headers: Mapping[str, str], encoder: Encoder) -> Rankings:
    """Candidates by the mean cosine of their passages with the query.

    Args:
        judged: What to rank.
        headers: Of each item.
        encoder: The embedding model.
    """

    def vector(key: str) -> np.ndarray:
        return encoder.passages(headers[key], judged.items[key].body, _MOST_PASSAGES).mean(axis=0)

    with ThreadPoolExecutor(torch.get_num_threads()) as pool:  # an encoder uses one thread for a text
        vectors = dict(zip(headers, pool.map(vector, headers), strict=True))
    scores = []
    for ranking in judged.rankings:
        query_D = encoder.query(ranking.query)
        scores.append((np.stack([vectors[key] for key in ranking.keys]) @ query_D).tolist())
    return Rankings.of(judged, scores)
