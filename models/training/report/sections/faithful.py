"""What the gate of the nearline service says of the summarizer's answers."""

from collections import Counter

from models.faithfulness import Reason
from models.training.judged import JudgedSet
from models.training.report.chapter import Chapter, Figure, Table
from models.training.report.study import Study
from models.training.report.texts import Written
from models.training.report.wording import sentence
from models.training.significance import Interval, mean

__all__ = ["measure"]

_REASONS = (
    "Of an extractive model phrases that the body does not hold are dropped before the gate looks; an answer of which "
    "nothing is left counts as refused, for what was wrong with it. What is refused is asked for once more by the "
    "service, and then has the extractive fallback; here it has it at once. The rules: `models/faithfulness`."
)


def measure(study: Study) -> Chapter:
    """By set, how many answers pass, and why the others do not."""
    asked = [(judged, written) for judged in study.sets if (written := study.written(judged)).num_asked]
    shares = [_share(written) for _, written in asked]
    rows = [_row(judged, written, share) for (judged, written), share in zip(asked, shares, strict=True)]
    figures = [
        Figure(
            f"faithful_{judged.name}",
            share,
            f"share of the summarizer's answers that the gate lets pass, {judged.title}",
            written.num_asked,
        )
        for (judged, written), share in zip(asked, shares, strict=True)
    ]
    head = ["set", "asked", "passed", "of these without some phrases", *(f"refused: {reason}" for reason in Reason)]
    return Chapter(
        "faithfulness",
        "Faithfulness",
        "How many of the summarizer's answers may be stored? Asked for is each body that is longer than a summary.",
        figures,
        [Table("Answers", head, rows)],
        [],
        [_REASONS],
    )


def _share(written: Written) -> Interval:
    return mean([float(verdict.is_faithful) for verdict in written.verdicts.values()])


def _row(judged: JudgedSet, written: Written, share: Interval) -> list[str]:
    refused = Counter(verdict.reason for verdict in written.verdicts.values())
    passed = f"{100 * share.value:.1f} % ({100 * share.low:.1f} to {100 * share.high:.1f})"
    counts = [str(len(written.shortened)), *(str(refused[reason]) for reason in Reason)]
    return [sentence(judged.title), str(written.num_asked), passed, *counts]
