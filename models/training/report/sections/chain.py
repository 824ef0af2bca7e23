"""The whole chain, step by step: full text, pruned, summarised, both; quality beside the local engine's speed."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from models.training.judged import JudgedSet
from models.training.report import paper
from models.training.report.chapter import Chapter, Chart, Figure, Picture, Series, Table
from models.training.report.scorer import Rankings, Scorer
from models.training.report.sections.pruned import pruned_scorer
from models.training.report.study import Study
from models.training.report.texts import Text
from models.training.report.wording import percent, plain, sentence, whole
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
"""As the paper: half of the MLP, 8 of 28 layers; where no recovered ranker is named."""


@dataclass(frozen=True)
class _Steps:
    """Four rankings of the same queries.

    Attributes:
        judged: The set.
        rankings: By step, full text first.
    """

    judged: JudgedSet
    rankings: Mapping[str, Rankings]

    @cached_property
    def costs(self) -> dict[str, Interval]:
        """Relative change of NDCG@10 from full text."""
        return {name: relative_difference(step.ndcg, self._full.ndcg) for name, step in self.rankings.items()}

    @cached_property
    def gains(self) -> dict[str, Interval]:
        """Speed over that of full text: both scored the same candidates, so it is the ratio of the seconds."""
        return {
            name: resampled([self._full.seconds, step.seconds], lambda rows: rows[0].sum(-1) / rows[1].sum(-1))
            for name, step in self.rankings.items()
        }

    @property
    def suffix(self) -> str:
        """Of the names of figures and pictures."""
        return f"_{self.judged.name}" if self.judged.is_real else ""

    @property
    def _full(self) -> Rankings:
        return self.rankings["full text"]


def measure(study: Study) -> Chapter:
    """Four rankings of the same queries, each timed; of generated queries, then of real ads."""
    pruned, how = _pruned(study)
    sets = [trimmed(study.generated, study.settings.num_full_text)]
    sets += [trimmed(each, study.settings.num_full_text_real) for each in study.sets if each.name == "ads"]
    found = [_steps(study, judged, pruned) for judged in sets]
    return Chapter(
        "chain",
        "The chain",
        f"Full text, pruned ({how}), summarised, and both: what is lost, and how much faster is it?",
        [figure for steps in found for figure in _figures(steps, how)],
        [_table(steps) for steps in found],
        [_picture(steps) for steps in found],
        [_SPEED, f"The paper: {paper.CHAIN}, {paper.CHAIN_SPEED}. {paper.SECOND_HAND}"],
    )


def _pruned(study: Study) -> tuple[Scorer, str]:
    """The pruned ranker, and how it was pruned."""
    if study.recovered is not None:
        share = 1 - study.recovered.num_parameters / study.scorer.num_parameters
        return study.recovered, f"{share:.0%} fewer parameters, by OSSCAR and without some layers, recovered"
    num_layers = study.model().config.num_hidden_layers
    dropped = max(1, round(_LAYERS_DROPPED_SHARE * num_layers))
    how = f"{_REMOVED:.0%} of the MLP and the last {dropped} of {num_layers} layers, by OSSCAR, not recovered"
    return pruned_scorer(study, _REMOVED, dropped), how


def _steps(study: Study, judged: JudgedSet, pruned: Scorer) -> _Steps:
    return _Steps(
        judged,
        {
            "full text": study.rank(judged, Text.BODY),
            "pruned": pruned.rank(judged, study.texts(judged, Text.BODY)),
            "summarised": study.rank(judged, Text.WRITTEN),
            "both": pruned.rank(judged, study.texts(judged, Text.WRITTEN)),
        },
    )


def _figures(steps: _Steps, how: str) -> list[Figure]:
    says, num = f"pruned ({how}) and summarised, {steps.judged.title}", len(steps.judged.rankings)
    return [
        Figure(
            f"chain_relative{steps.suffix}",
            steps.costs["both"],
            f"NDCG@10 relative to full text: {says}",
            num,
            paper.CHAIN,
            "at least -1.5 %",
        ),
        Figure(
            f"chain_speed_gain{steps.suffix}",
            steps.gains["both"],
            f"items a second over full text: {says}",
            num,
            paper.CHAIN_SPEED,
        ),
    ]


def _table(steps: _Steps) -> Table:
    rows = [
        [
            name,
            plain(mean(step.ndcg)),
            percent(steps.costs[name]),
            f"{sum(step.num_tokens) / sum(map(len, step.scores)):.0f}",
            whole(step.items_per_s),
            f"{steps.gains[name].value:.1f} x",
        ]
        for name, step in steps.rankings.items()
    ]
    head = ["step", "NDCG@10", "relative to full text", "tokens an item", "items/s", "gain"]
    return Table(f"Quality and speed: {sentence(steps.judged.title)}, {len(steps.judged.rankings)} queries", head, rows)


def _picture(steps: _Steps) -> Picture:
    series = [Series(name, [step.items_per_s.value], [mean(step.ndcg)]) for name, step in steps.rankings.items()]
    title = f"NDCG@10 beside speed, {steps.judged.title}"
    return Picture(f"chain{steps.suffix}", title, Chart.LINES, "items a second", "NDCG@10", series)
