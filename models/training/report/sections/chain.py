"""The whole chain, step by step: full text, pruned, summarised, both; quality beside the local engine's speed."""

from models.training.report import paper
from models.training.report.chapter import Chapter, Chart, Figure, Picture, Series, Table
from models.training.report.scorer import Rankings
from models.training.report.sections.pruned import pruned_scorer
from models.training.report.study import Study
from models.training.report.texts import Text
from models.training.report.wording import percent, plain, whole
from models.training.report.worlds import trimmed
from models.training.significance import Interval, mean, relative_difference, resampled

__all__ = ["measure"]

_SPEED = (
    "Speed is of the local engine in this run: requests of all candidates of a query, tokenising and HTTP not "
    "counted, other jobs on the machine included. A tiny model gains less than a large one, since what surrounds the "
    "matrices weighs more."
)
_REMOVED = 0.5
_LAYERS_DROPPED_SHARE = 8 / 28
"""As the paper: half of the MLP, 8 of 28 layers."""


def measure(study: Study) -> Chapter:
    """Four rankings of the same queries, each timed."""
    judged = trimmed(study.generated, study.settings.num_full_text)
    num_layers = study.model().config.num_hidden_layers
    dropped = max(1, round(_LAYERS_DROPPED_SHARE * num_layers))
    pruned = pruned_scorer(study, _REMOVED, dropped)
    summaries, bodies = study.texts(judged, Text.WRITTEN), study.texts(judged, Text.BODY)
    steps: dict[str, Rankings] = {
        "full text": study.rank(judged, Text.BODY),
        "pruned": pruned.rank(judged, bodies),
        "summarised": study.rank(judged, Text.WRITTEN),
        "both": pruned.rank(judged, summaries),
    }
    full = steps["full text"]
    costs = {name: relative_difference(step.ndcg, full.ndcg) for name, step in steps.items()}
    gains = {name: _gain(step, full) for name, step in steps.items()}
    rows = [
        [
            name,
            plain(mean(step.ndcg)),
            percent(costs[name]),
            f"{sum(step.num_tokens) / sum(map(len, step.scores)):.0f}",
            whole(step.items_per_s),
            f"{gains[name].value:.1f} x",
        ]
        for name, step in steps.items()
    ]
    num = len(judged.rankings)
    figures = [
        Figure(
            "chain_relative",
            costs["both"],
            "NDCG@10 pruned and summarised, relative to full text, before recovery",
            num,
            paper.CHAIN,
            "at least -1.5 %",
        ),
        Figure(
            "chain_speed_gain",
            gains["both"],
            "items a second pruned and summarised, over full text",
            num,
            paper.CHAIN_SPEED,
        ),
    ]
    points = [[step.items_per_s.value] for step in steps.values()]
    series = [Series(name, rate, [mean(step.ndcg)]) for (name, step), rate in zip(steps.items(), points, strict=True)]
    head = ["step", "NDCG@10", "relative to full text", "tokens an item", "items/s", "gain"]
    return Chapter(
        "chain",
        "The chain",
        f"Full text, pruned ({_REMOVED:.0%} of the MLP and the last {dropped} of {num_layers} layers, by OSSCAR, not "
        "recovered), summarised, and both: what is lost, and how much faster is it? Held-out generated queries.",
        figures,
        [Table("Quality and speed", head, rows)],
        [Picture("chain", "NDCG@10 beside speed", Chart.LINES, "items a second", "NDCG@10", series)],
        [_SPEED, f"The paper: {paper.CHAIN}, {paper.CHAIN_SPEED}. {paper.SECOND_HAND}"],
    )


def _gain(step: Rankings, full: Rankings) -> Interval:
    """Speed over that of full text: both scored the same candidates, so it is the ratio of the seconds."""
    return resampled([full.seconds, step.seconds], lambda rows: rows[0].sum(-1) / rows[1].sum(-1))
