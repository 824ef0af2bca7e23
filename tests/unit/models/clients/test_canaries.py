"""The canaries tell a sound engine from every kind of broken one, and say which it is."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.bundle import Bundle, Manifest, PromptLimits, RankerCanary, Role, SummarizerCanary
from models.clients.canaries import TEXT_TOKENS, check_ranker, check_summarizer
from models.clients.ports import Completion, Scores
from models.prompts import RankerPrompt, SummarizerPrompt, TextTokenizer
from schemas.deadline import Deadline
from schemas.errors import BackendProtocolError, BackendUnavailable
from tests.doubles.engines import LexicalRanker, ScriptedSummarizer
from tests.doubles.tokenizer import small_tokenizer_json

LIMITS = PromptLimits(query=32, header=64, summary=64, body=200)
PAIRS = [
    ("nurse berlin", "Registered nurse | Berlin", "night shift; 21 EUR an hour"),
    ("nurse berlin", "Software engineer", "Python; remote"),
    ("python", "Software engineer", "Python; remote"),
]
BODIES = ["We are looking for a nurse.", "Remote work is possible. Python and Kafka experience."]


@pytest.fixture
def tokenizer_file(tmp_path: Path) -> Path:
    """The small tokenizer as a file."""
    path = tmp_path / "tokenizer.json"
    path.write_text(small_tokenizer_json())
    return path


def ranker_bundle(tokenizer_file: Path, **changes: Any) -> Bundle:
    """A bundle whose references are the lexical ranker's scores."""
    prompt = RankerPrompt(TextTokenizer.from_file(tokenizer_file), LIMITS)
    canaries = []
    for query, header, summary in PAIRS:
        query_ids, item_ids = tuple(prompt.query_ids(query)), tuple(prompt.item_ids(header, summary))
        reference = (1 + len(set(query_ids) & set(item_ids))) / (2 + len(set(query_ids)))
        canaries.append(
            RankerCanary(
                query=query, header=header, summary=summary, query_ids=query_ids, item_ids=item_ids, score=reference
            )
        )
    fields: dict[str, Any] = {
        "role": Role.RANKER,
        "name": "ranker-test",
        "prompt_version": RankerPrompt.version,
        "limits": LIMITS,
        "label_token_ids": prompt.label_token_ids,
        "canaries": tuple(canaries),
    }
    return Bundle(path=tokenizer_file.parent, manifest=Manifest(**(fields | changes)), revision="bundle-1")


def summarizer_bundle(tokenizer_file: Path) -> Bundle:
    """A bundle whose references are in upper case what the body is."""
    tokenizer = TextTokenizer.from_file(tokenizer_file)
    prompt = SummarizerPrompt(tokenizer, LIMITS)
    canaries = tuple(
        SummarizerCanary(
            body=body,
            prompt_ids=tuple(prompt.prompt_ids(body)),
            output_ids=(*tokenizer.encode(body.upper()), *prompt.stop_token_ids),
            text=body.upper(),
        )
        for body in BODIES
    )
    manifest = Manifest(
        role=Role.SUMMARIZER,
        name="summarizer-test",
        prompt_version=SummarizerPrompt.version,
        limits=LIMITS,
        canaries=canaries,
    )
    return Bundle(path=tokenizer_file.parent, manifest=manifest, revision="bundle-1")


class BentRanker(LexicalRanker):
    """A lexical ranker whose scores went through something."""

    def __init__(self, bend: Callable[[float], float]) -> None:
        super().__init__()
        self._bend = bend

    async def score(
        self,
        query_ids: Sequence[int],
        items: Sequence[Sequence[int]],
        *,
        label_token_ids: Sequence[int],
        deadline: Deadline,
    ) -> Scores:
        scores = await super().score(query_ids, items, label_token_ids=label_token_ids, deadline=deadline)
        return Scores(tuple(map(self._bend, scores.values)), scores.revision)


async def test_a_sound_ranker_passes(tokenizer_file: Path) -> None:
    """No problem, no drift, the revisions of both, and one call for the canaries of one query."""
    engine = LexicalRanker(revision="weights-1")
    report = await check_ranker(engine, ranker_bundle(tokenizer_file), deadline=Deadline.after(20))
    assert report.is_ok
    assert (report.bundle_revision, report.engine_revision) == ("bundle-1", "weights-1")
    assert (report.num_canaries, report.max_drift) == (3, 0.0)
    assert [len(call.items) for call in engine.calls] == [2, 1]


@pytest.mark.parametrize(
    ("bend", "finding"),
    [
        (lambda score: score + 0.001, "drift: 3 of 3 scores differ by more than 0.0001"),
        (lambda _: 0.5, "all 3 scores are 0.5"),
        (lambda score: 1 - score, "labels are swapped"),
    ],
    ids=["drift", "equal", "swapped"],
)
async def test_wrong_scores_are_named_for_what_they_look_like(
    tokenizer_file: Path, bend: Callable[[float], float], finding: str
) -> None:
    """Drift beyond the tolerance, one score for all, and swapped labels are three different things to repair."""
    report = await check_ranker(BentRanker(bend), ranker_bundle(tokenizer_file), deadline=Deadline.after(20))
    assert len(report.problems) == 1
    assert finding in report.problems[0]


async def test_drift_within_the_tolerance_passes(tokenizer_file: Path) -> None:
    """Rounding is no problem, and is reported."""
    engine = BentRanker(lambda score: score + 0.001)
    report = await check_ranker(engine, ranker_bundle(tokenizer_file), deadline=Deadline.after(20), tolerance=2e-3)
    assert report.is_ok
    assert report.max_drift == pytest.approx(0.001)


async def test_one_wrong_score_is_enough_and_is_pointed_at(tokenizer_file: Path) -> None:
    """The worst canary is named with both values."""
    bundle = ranker_bundle(tokenizer_file)
    canaries = list(bundle.manifest.canaries)
    canaries[2] = canaries[2].model_copy(update={"score": 0.0625})
    report = await check_ranker(
        LexicalRanker(), ranker_bundle(tokenizer_file, canaries=tuple(canaries)), deadline=Deadline.after(20)
    )
    assert "1 of 3 scores" in report.problems[0]
    assert "canary 2" in report.problems[0]
    assert "for 0.062500" in report.problems[0]


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"prompt_version": "ranker/0"}, "wrong template: bundle 'ranker-test' was trained with 'ranker/0'"),
        ({"label_token_ids": (8, 9)}, "wrong tokenizer: yes and no are tokens"),
        ({"limits": LIMITS.model_copy(update={"summary": 3})}, "canary 0 item renders to"),
        ({"canaries": ()}, "has no canaries"),
    ],
    ids=["version", "labels", "limits", "none"],
)
async def test_a_bundle_that_does_not_fit_this_build_is_a_problem(
    tokenizer_file: Path, changes: Mapping[str, Any], finding: str
) -> None:
    """Template version, labels, limits and missing canaries are checked before any score is believed."""
    bundle = ranker_bundle(tokenizer_file, **changes)
    report = await check_ranker(LexicalRanker(), bundle, deadline=Deadline.after(20))
    assert any(finding in problem for problem in report.problems)


def forget_merges(tokenizer_file: Path) -> None:
    """Another tokenizer of the same form: it knows a quarter of the merges."""
    changed = json.loads(tokenizer_file.read_text())
    merges = changed["model"]["merges"]
    changed["model"]["merges"] = merges[: len(merges) // 4]
    tokenizer_file.write_text(json.dumps(changed))


async def test_a_replaced_tokenizer_is_a_problem(tokenizer_file: Path) -> None:
    """The reference ids still score as before: only the rendering shows it."""
    bundle = ranker_bundle(tokenizer_file)
    forget_merges(tokenizer_file)
    report = await check_ranker(LexicalRanker(), bundle, deadline=Deadline.after(20))
    assert report.max_drift == 0.0
    assert any("canary 0 query renders to" in problem for problem in report.problems)


async def test_an_engine_that_answers_in_another_form_fails_the_check(tokenizer_file: Path) -> None:
    """NaN, wrong counts and the like arrive as protocol errors and are findings, not crashes."""
    engine = LexicalRanker(script=[BackendProtocolError("nan", backend="ranker", operation="/v1/score")])
    report = await check_ranker(engine, ranker_bundle(tokenizer_file), deadline=Deadline.after(20))
    assert report.problems == ("the engine cannot answer the canaries: ranker /v1/score: nan",)
    assert (report.engine_revision, report.max_drift) == (None, None)


async def test_an_engine_that_is_away_is_not_judged(tokenizer_file: Path) -> None:
    """Unavailable is no finding about the model: the caller tries again."""
    engine = LexicalRanker(script=[BackendUnavailable("loading", backend="ranker", operation="/v1/score")])
    with pytest.raises(BackendUnavailable):
        await check_ranker(engine, ranker_bundle(tokenizer_file), deadline=Deadline.after(20))


def shout(tokenizer_file: Path, *, is_wrong_at: int | None = None) -> ScriptedSummarizer:
    """The summarizer that the references are of; wrong for one of the bodies, if asked."""
    prompt = SummarizerPrompt(TextTokenizer.from_file(tokenizer_file), LIMITS)
    texts = {tuple(prompt.prompt_ids(body)): body.upper() for body in BODIES}
    if is_wrong_at is not None:
        texts[tuple(prompt.prompt_ids(BODIES[is_wrong_at]))] = BODIES[is_wrong_at].upper().replace("A", "Ä")
    return ScriptedSummarizer(lambda ids: texts[tuple(ids)])


async def test_a_sound_summarizer_passes(tokenizer_file: Path) -> None:
    """Every summary equal."""
    report = await check_summarizer(
        shout(tokenizer_file), summarizer_bundle(tokenizer_file), deadline=Deadline.after(20)
    )
    assert (report.is_ok, report.num_canaries, report.role) == (True, 2, Role.SUMMARIZER)
    assert report.engine_revision == "summarizer-double"


async def test_another_summary_is_pointed_at(tokenizer_file: Path) -> None:
    """Which canary, where the texts part, and what each says there."""
    engine = shout(tokenizer_file, is_wrong_at=1)
    report = await check_summarizer(engine, summarizer_bundle(tokenizer_file), deadline=Deadline.after(20))
    (problem,) = report.problems
    assert problem.startswith("canary 1: another summary than the reference, first difference at character 32: 'Ä")


async def test_a_summarizer_that_fails_one_canary_is_checked_on_the_others(tokenizer_file: Path) -> None:
    """One finding a canary."""
    engine = shout(tokenizer_file, is_wrong_at=1)
    engine.fail_next(BackendProtocolError("odd", backend="summarizer", operation="/v1/completions"))
    report = await check_summarizer(engine, summarizer_bundle(tokenizer_file), deadline=Deadline.after(20))
    assert [problem.split(":")[0] for problem in report.problems] == ["canary 0", "canary 1"]


class RoundingSummarizer(ScriptedSummarizer):
    """Writes the references token by token; from the token that is said for a canary on it writes something else."""

    def __init__(self, bundle: Bundle, turns_at: Sequence[int]) -> None:
        super().__init__()
        self._tokenizer = TextTokenizer.from_file(bundle.tokenizer_file)
        other = self._tokenizer.encode("?")[0]
        self._outputs: dict[tuple[int, ...], list[int]] = {}
        for canary, turn in zip(bundle.manifest.canaries, turns_at, strict=True):
            assert isinstance(canary, SummarizerCanary)
            self._outputs[canary.prompt_ids] = [*canary.output_ids[:turn], *[other] * 99]

    async def complete(self, prompt_ids: Sequence[int], *, max_tokens: int, **options: Any) -> Completion:
        answer = await super().complete(prompt_ids, max_tokens=max_tokens, **options)
        return replace(answer, text=self._tokenizer.decode(self._outputs[tuple(prompt_ids)][:max_tokens]))


@pytest.mark.parametrize(
    ("turns_at", "drift", "num_problems"),
    [((8, 8), 0.0, 0), ((20, 7), 0.5, 0), ((7, 0), 1.0, 2)],
    ids=["both", "half", "none"],
)
async def test_a_lower_precision_must_begin_half_of_the_texts_alike(
    tokenizer_file: Path, turns_at: Sequence[int], drift: float, num_problems: int
) -> None:
    """Rounding turns a word sooner or later; another model writes other words from the first on."""
    bundle = summarizer_bundle(tokenizer_file)
    engine = RoundingSummarizer(bundle, turns_at)
    report = await check_summarizer(engine, bundle, deadline=Deadline.after(20), num_tokens=TEXT_TOKENS["bfloat16"])
    assert (report.max_drift, len(report.problems)) == (drift, num_problems)
    assert {call.max_tokens for call in engine.calls} == {8}, "no more is computed than is compared"


async def test_float32_excuses_no_text(tokenizer_file: Path) -> None:
    """A turn after the eighth token is one all the same."""
    bundle = summarizer_bundle(tokenizer_file)
    engine = RoundingSummarizer(bundle, (9, 9))
    report = await check_summarizer(engine, bundle, deadline=Deadline.after(20), num_tokens=TEXT_TOKENS["float32"])
    assert len(report.problems) == 2


async def test_a_lower_precision_excuses_no_template(tokenizer_file: Path) -> None:
    """Only texts are a matter of rounding."""
    bundle = summarizer_bundle(tokenizer_file)
    engine = RoundingSummarizer(bundle, (99, 99))
    forget_merges(tokenizer_file)
    report = await check_summarizer(engine, bundle, deadline=Deadline.after(20), num_tokens=8)
    assert report.max_drift == 0.0
    assert any("canary 0 prompt renders to" in problem for problem in report.problems)
