"""What a summary costs beside the whole body, and what other texts of the same length do (the paper's Table 5)."""

from collections.abc import Mapping
from statistics import fmean

from models.training.judged import JudgedSet
from models.training.report import paper
from models.training.report.chapter import Chapter, Chart, Figure, Picture, Series, Table
from models.training.report.scorer import Rankings
from models.training.report.study import Study
from models.training.report.texts import Text
from models.training.report.wording import percent, plain, sentence
from models.training.report.worlds import trimmed
from models.training.significance import Interval, mean, relative_difference

__all__ = ["measure"]

_BODIES = (
    "Relative to the whole body as the ranker at hand reads it: where it was trained on short items only, whole bodies "
    "are strange to it, and a summary may gain. The target then says what a perfect summary is worth."
)
_SHORT = (Text.WRITTEN, Text.TARGET, Text.LEAD, Text.RANDOM, Text.BEST, Text.NOTHING)
_SHORT_OF_REAL = (Text.WRITTEN, Text.LEAD, Text.RANDOM, Text.NOTHING)
_FIGURES = {
    Text.WRITTEN: ("compressed_93_relative", "with the written summary", paper.COMPRESSED, "at least -1 %"),
    Text.TARGET: ("target_summary_relative", "with the target summary (all facts, nothing else)", None, None),
    Text.LEAD: ("lead_tokens_relative", "with the first tokens of the body, as many", None, "below the summary's"),
    Text.RANDOM: ("random_sentences_relative", "with random sentences of the body, as many tokens", None, None),
    Text.BEST: ("best_sentences_relative", "with the best sentences of the body, as many tokens", None, None),
    Text.NOTHING: ("empty_summary_relative", "with an empty summary", None, "at most -5 %"),
}


def measure(study: Study) -> Chapter:
    """Rank with each text; whole bodies are what all are held against."""
    real = [judged for judged in study.sets if judged.name == "ads"]
    sets = [(trimmed(study.generated, study.settings.num_full_text), _SHORT)]
    sets += [(trimmed(judged, study.settings.num_full_text_real), _SHORT_OF_REAL) for judged in real]
    figures, tables, pictures = [], [], []
    for judged, texts in sets:
        ranked = {text: study.rank(judged, text) for text in (*texts, Text.BODY)}
        costs = {text: relative_difference(ranked[text].ndcg, ranked[Text.BODY].ndcg) for text in texts}
        figures += [_figure(judged, text, cost) for text, cost in costs.items()]
        figures.append(_over_lead(judged, ranked))
        tables.append(_table(study, judged, ranked, costs))
        pictures.append(_picture(judged, costs))
    return Chapter(
        "compression",
        "Compression",
        "What does the ranker lose when it reads a summary instead of the whole body, and would any text of that "
        "length do? Every text but the target is as long as the written summary of the same item, or shorter.",
        figures,
        tables,
        pictures,
        [_BODIES, f"The paper: {paper.COMPRESSED}, with a precipice beyond 95 %. {paper.SECOND_HAND}"],
    )


def _figure(judged: JudgedSet, text: Text, cost: Interval) -> Figure:
    name, says, theirs, goal = _FIGURES[text]
    if judged.is_real:
        name, theirs, goal = f"{name}_{judged.name}", None, None
    says = f"NDCG@10 {says}, relative to the whole body, {judged.title}"
    return Figure(name, cost, says, len(judged.rankings), theirs, goal)


def _over_lead(judged: JudgedSet, ranked: Mapping[Text, Rankings]) -> Figure:
    """The summary beside the first tokens, directly: two intervals that overlap may still differ query by query."""
    gain = relative_difference(ranked[Text.WRITTEN].ndcg, ranked[Text.LEAD].ndcg)
    says = f"NDCG@10 with the written summary, relative to the first tokens of the body, as many, {judged.title}"
    name = "summary_over_lead_relative" + (f"_{judged.name}" if judged.is_real else "")
    return Figure(name, gain, says, len(judged.rankings), goal=None if judged.is_real else "above 0")


def _table(study: Study, judged: JudgedSet, ranked: Mapping[Text, Rankings], costs: Mapping[Text, Interval]) -> Table:
    count = study.scorer.count_tokens
    bodies = {key: count(item.body) for key, item in judged.items.items()}
    headers = {key: count(study.scorer.header(item)) for key, item in judged.items.items()}
    rows = []
    for text, found in ranked.items():
        lengths = {key: count(written) for key, written in study.texts(judged, text).items() if key in bodies}
        of_body = 1 - sum(lengths.values()) / sum(bodies.values())
        of_item = 1 - (sum(lengths.values()) + sum(headers.values())) / (sum(bodies.values()) + sum(headers.values()))
        cost = percent(costs[text]) if text in costs else ""
        ratios = [f"{fmean(lengths.values()):.0f}", f"{of_body:.1%}", f"{of_item:.1%}"]
        rows.append([text.value, *ratios, plain(mean(found.ndcg)), cost])
    head = ["text", "tokens", "compression of the body", "of the item", "NDCG@10", "relative to the body"]
    return Table(f"{sentence(judged.title)}, {len(judged.rankings)} queries", head, rows)


def _picture(judged: JudgedSet, costs: Mapping[Text, Interval]) -> Picture:
    series = Series("relative to the whole body", [text.value for text in costs], list(costs.values()))
    title = f"Texts of a summary's length, {judged.title}"
    return Picture(f"texts_{judged.name}", title, Chart.BARS, "", "relative change of NDCG@10", [series])
