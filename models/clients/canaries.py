"""Canaries: before a service is ready, its engine must answer the bundle's reference inputs as the reference did.

The whole path is checked, from raw text through this build's templates and tokenizer to the engine's numbers: a wrong
template, a wrong tokenizer, other weights and a broken kernel all show here, and the report says which it looks like.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

from models.bundle import Bundle, RankerCanary, Role, SummarizerCanary
from models.clients.canary_findings import (
    id_problems,
    label_problems,
    score_problems,
    template_problems,
    text_problems,
    texts_problems,
)
from models.clients.ports import RankerEngine, SummarizerEngine
from models.prompts import RankerPrompt, SummarizerPrompt, TextTokenizer
from schemas.deadline import Deadline
from schemas.errors import BackendProtocolError, PromptTooLong

__all__ = ["DEFAULT_TOLERANCE", "TEXT_TOKENS", "TOLERANCES", "CanaryReport", "check_ranker", "check_summarizer"]

TOLERANCES = {"float32": 1e-4, "bfloat16": 2e-2}
"""Type of the engine's weights -> largest difference between its score and the reference, which is float32.

float32: vLLM, SGLang and the local engine differ from transformers by at most 3e-7 on the shipped models; other kernels
and larger models sum in another order, for which three hundred times that is kept; what goes wrong in earnest moves
scores by hundredths. bfloat16: 8 bits of mantissa round label logits of size 4 to 8 by up to 0.016 each, on top of what
the layers before did; through the softmax's slope of a quarter their difference moves a score by about 0.01, of which
this is twice.
"""

DEFAULT_TOLERANCE = TOLERANCES["float32"]
"""Where nothing else is said."""

TEXT_TOKENS: Mapping[str, int | None] = {"float32": None, "bfloat16": 8}
"""Type of the engine's weights -> how many tokens of a canary's text are compared with the reference, which is float32.

None: all, and every text must be the reference's: in float32 no engine made another greedy choice on the shipped
models. bfloat16: rounding turns a close choice sooner or later, and every token after it; so only beginnings can be
compared, and not all of them: half must be the reference's (``canary_findings.texts_problems``). Other weights, a wrong
template and sampling change the first tokens of nearly every text, for which eight in a row are hit by chance in none.
Asking for eight tokens also costs a twelfth of a whole summary, again and again, on an engine that is large.
"""


@dataclass(frozen=True, slots=True)
class CanaryReport:
    """What the canaries showed.

    Attributes:
        role: Of the bundle.
        bundle_revision: Revision of the bundle that was compared with.
        engine_revision: Revision that the engine reports; None where it gave no usable answer.
        num_canaries: How many were checked.
        max_drift: Ranker: largest difference between a score and its reference; summarizer: share of the texts, or of
            their beginnings where only those are compared, that differ. None where nothing was compared.
        problems: What differs and what to do about it, a sentence each; empty where all is well.
    """

    role: Role
    bundle_revision: str
    engine_revision: str | None
    num_canaries: int
    max_drift: float | None
    problems: tuple[str, ...]

    @property
    def is_ok(self) -> bool:
        """Whether the engine may be used."""
        return not self.problems


async def check_ranker(
    engine: RankerEngine, bundle: Bundle, *, deadline: Deadline, tolerance: float = DEFAULT_TOLERANCE
) -> CanaryReport:
    """Score the ranker bundle's canaries on the engine.

    Args:
        engine: The engine that is to be used.
        bundle: The bundle that it should have loaded.
        deadline: Budget of all calls together.
        tolerance: Largest allowed difference of a score from its reference.

    Raises:
        Overloaded: As DeadlineExceeded: the engine gave no answer, so nothing is known; try again.
        DeadlineExceeded: See above.
        BackendTimeout: See above.
        BackendUnavailable: See above.
        ConfigurationError: The bundle's tokenizer cannot be read or lacks the prompts' tokens.
    """
    canaries = [canary for canary in bundle.manifest.canaries if isinstance(canary, RankerCanary)]
    tokenizer = await asyncio.to_thread(TextTokenizer.from_file, bundle.tokenizer_file)
    prompt = RankerPrompt(tokenizer, bundle.manifest.limits)
    problems = [
        *template_problems(bundle, prompt.version, len(canaries)),
        *label_problems(bundle, prompt.label_token_ids),
    ]
    for index, canary in enumerate(canaries):
        problems += id_problems(f"canary {index} query", prompt.query_ids(canary.query), canary.query_ids)
        item_ids = prompt.item_ids(canary.header, canary.summary)
        problems += id_problems(f"canary {index} item", item_ids, canary.item_ids)
    scores: dict[int, float] = {}
    revision = None
    try:
        # The reference ids are sent, so that the engine is judged apart from the rendering.
        for _, group in groupby(enumerate(canaries), key=lambda pair: pair[1].query_ids):
            members = list(group)
            answer = await engine.score(
                members[0][1].query_ids,
                [canary.item_ids for _, canary in members],
                label_token_ids=bundle.manifest.label_token_ids,
                deadline=deadline,
            )
            revision = answer.revision
            scores |= {index: value for (index, _), value in zip(members, answer.values, strict=True)}
    except (BackendProtocolError, PromptTooLong) as error:
        problems.append(f"the engine cannot answer the canaries: {error}")
    else:
        problems += score_problems([canary.score for canary in canaries], scores, tolerance)
    drifts = [abs(scores[index] - canaries[index].score) for index in scores]
    return CanaryReport(
        role=Role.RANKER,
        bundle_revision=bundle.revision,
        engine_revision=revision,
        num_canaries=len(canaries),
        max_drift=max(drifts, default=None),
        problems=tuple(problems),
    )


async def check_summarizer(
    engine: SummarizerEngine, bundle: Bundle, *, deadline: Deadline, num_tokens: int | None = None
) -> CanaryReport:
    """Complete the summarizer bundle's canaries on the engine; the summaries must be equal, or half must begin alike.

    Args:
        engine: The engine that is to be used.
        bundle: The bundle that it should have loaded.
        deadline: Budget of all calls together.
        num_tokens: Length of the beginnings that are asked for and compared (:data:`TEXT_TOKENS`); None: whole texts.

    Raises:
        PrecisError: As :func:`check_ranker`.
    """
    canaries = [canary for canary in bundle.manifest.canaries if isinstance(canary, SummarizerCanary)]
    tokenizer = await asyncio.to_thread(TextTokenizer.from_file, bundle.tokenizer_file)
    prompt = SummarizerPrompt(tokenizer, bundle.manifest.limits)
    problems = [*template_problems(bundle, prompt.version, len(canaries))]
    revision = None
    differences: list[str] = []
    num_compared = 0
    for index, canary in enumerate(canaries):
        problems += id_problems(f"canary {index} prompt", prompt.prompt_ids(canary.body), canary.prompt_ids)
        try:
            answer = await engine.complete(
                canary.prompt_ids,
                max_tokens=prompt.max_output_tokens if num_tokens is None else num_tokens,
                stop_token_ids=prompt.stop_token_ids,
                deadline=deadline,
            )
        except (BackendProtocolError, PromptTooLong) as error:
            problems.append(f"canary {index}: the engine cannot answer it: {error}")
            continue
        revision = answer.revision
        num_compared += 1
        reference = canary.text if num_tokens is None else tokenizer.decode(list(canary.output_ids[:num_tokens]))
        # A cut may fall inside a character, of which engines give a mark, or nothing.
        text, reference = (prompt.summary(each.rstrip("\ufffd")) for each in (answer.text, reference))
        differences += text_problems(f"canary {index}", text, reference)
    problems += texts_problems(differences, num_compared, is_beginning=num_tokens is not None)
    return CanaryReport(
        role=Role.SUMMARIZER,
        bundle_revision=bundle.revision,
        engine_revision=revision,
        num_canaries=len(canaries),
        max_drift=len(differences) / num_compared if num_compared else None,
        problems=tuple(problems),
    )
