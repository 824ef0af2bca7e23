"""What each single layer is worth: the ranker without it, nothing trained anew (the paper's Table 2)."""

from models.training.architecture import CausalModel
from models.training.pruning.surgery import drop_layers
from models.training.report import paper
from models.training.report.chapter import Chapter, Chart, Figure, Picture, Series, Table
from models.training.report.study import Study
from models.training.report.texts import Text
from models.training.report.wording import absolute, percent, plain
from models.training.significance import difference, mean, relative_difference

__all__ = ["measure"]


def measure(study: Study) -> Chapter:
    """Drop every layer in turn."""
    judged, texts = study.generated, study.texts(study.generated, Text.WRITTEN)
    whole = study.rank(judged, Text.WRITTEN)
    num_layers = study.model().config.num_hidden_layers
    rows, drops = [["none", plain(mean(whole.ndcg)), "", "", ""]], []
    for layer in range(num_layers):
        ndcg = study.scorer_of(_without(study.model(), layer)).rank(judged, texts).ndcg
        drops.append(difference(ndcg, whole.ndcg))
        theirs = {0: paper.FIRST_LAYER, num_layers - 1: paper.LAST_LAYER}.get(layer, "")
        relative = percent(relative_difference(ndcg, whole.ndcg))
        rows.append([f"{layer + 1} of {num_layers}", plain(mean(ndcg)), absolute(drops[-1]), relative, theirs])
    figures = [
        Figure(f"{name}_layer_drop", drop, f"change of NDCG@10 without the {name} layer", len(whole.ndcg), theirs)
        for name, drop, theirs in (
            ("first", drops[0], paper.FIRST_LAYER),
            ("last", drops[-1], paper.LAST_LAYER),
        )
    ]
    series = Series("change", [f"layer {layer + 1}" for layer in range(num_layers)], drops)
    return Chapter(
        "layers",
        "Single layers",
        "What does the ranker lose without one of its layers, nothing trained anew? The paper's Table 2: the first "
        "layer matters most, the last hardly. Held-out generated queries, written summaries.",
        figures,
        [Table("NDCG@10 without one layer", ["layer dropped", "NDCG@10", "change", "relative", "paper"], rows)],
        [Picture("layers", "Change of NDCG@10 without one layer", Chart.BARS, "", "difference of NDCG@10", [series])],
        [paper.SECOND_HAND],
    )


def _without(model: CausalModel, layer: int) -> CausalModel:
    drop_layers(model, (layer,))
    return model
