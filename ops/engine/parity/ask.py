"""An engine's answers to the inputs, through the clients that the services use."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.bundle import Bundle, Role
from models.clients.completions import CompletionsClient
from models.clients.examination import examine_ranker, examine_summarizer
from models.clients.ports import RankerEngine, SummarizerEngine
from models.clients.scoring import ScoringClient
from models.clients.transport import EngineTransport, TransportConfig
from models.prompts import SummarizerPrompt, TextTokenizer
from ops.engine.parity.inputs import Pack, Prompt
from ops.engine.parity.judge import PackScores
from schemas.deadline import Deadline
from schemas.errors import BackendProtocolError, PromptTooLong

__all__ = ["RankerAnswers", "SummarizerAnswers", "ask_ranker", "ask_summarizer"]

_BUDGET_S = 1800
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class RankerAnswers:
    """What a ranker said.

    Attributes:
        scores: A pack each.
        problems: Of its examination, and why an answer is missing.
    """

    scores: tuple[PackScores, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SummarizerAnswers:
    """What a summarizer said.

    Attributes:
        texts: As the engine gave them; None where it could not answer.
        problems: Of its examination, and why an answer is missing.
    """

    texts: tuple[str | None, ...]
    problems: tuple[str, ...]


async def ask_ranker(url: str, bundle: Bundle, packs: Sequence[Pack], *, tolerance: float) -> RankerAnswers:
    """Examine the ranker, then score each pack beside others, backwards, and its first and last item alone.

    Raises:
        PrecisError: It gives no answers at all (see ``RankerEngine.score``).
    """
    client = ScoringClient(EngineTransport(TransportConfig(base_url=url), backend=Role.RANKER))
    deadline = Deadline.after(_BUDGET_S)
    try:
        report = await examine_ranker(client, bundle, deadline=deadline, tolerance=tolerance)
        asked = _Asked(client, bundle.manifest.label_token_ids, deadline)
        # Requests beside each other meet in one batch; the others go one at a time and cannot.
        together = await asked.side_by_side(packs)
        backwards = [await asked.scores(pack, pack.items[::-1]) for pack in packs]
        alone = [await asked.alone(pack) for pack in packs]
    finally:
        await client.close()
    scores = tuple(PackScores(*three) for three in zip(together, backwards, alone, strict=True))
    return RankerAnswers(scores, (*report.problems, *dict.fromkeys(asked.problems)))


async def ask_summarizer(
    url: str, bundle: Bundle, prompts: Sequence[Prompt], *, num_tokens: int | None
) -> SummarizerAnswers:
    """Examine the summarizer, by beginnings of so many tokens; then complete the prompts greedily, several at a time.

    Raises:
        PrecisError: It gives no answers at all (see ``SummarizerEngine.complete``).
    """
    client = CompletionsClient(EngineTransport(TransportConfig(base_url=url), backend=Role.SUMMARIZER))
    deadline = Deadline.after(_BUDGET_S)
    template = SummarizerPrompt(TextTokenizer.from_file(bundle.tokenizer_file), bundle.manifest.limits)
    problems: list[str] = []
    places = asyncio.Semaphore(_AT_ONCE)

    async def text(prompt: Prompt) -> str | None:
        async with places:
            return await _completed(client, template, prompt, deadline, problems)

    try:
        report = await examine_summarizer(client, bundle, deadline=deadline, num_tokens=num_tokens)
        texts = await asyncio.gather(*map(text, prompts))
    finally:
        await client.close()
    return SummarizerAnswers(tuple(texts), (*report.problems, *dict.fromkeys(problems)))


async def _completed(
    engine: SummarizerEngine, template: SummarizerPrompt, prompt: Prompt, deadline: Deadline, problems: list[str]
) -> str | None:
    try:
        completion = await engine.complete(
            prompt.ids,
            max_tokens=template.max_output_tokens,
            stop_token_ids=template.stop_token_ids,
            deadline=deadline,
        )
    except (BackendProtocolError, PromptTooLong) as error:
        problems.append(f"the engine cannot answer a prompt ({prompt.kind}): {error}")
        return None
    return completion.text


class _Asked:
    """Scores by one client; what cannot be answered is NaN, and said."""

    def __init__(self, client: RankerEngine, labels: tuple[int, ...], deadline: Deadline) -> None:
        self._client, self._labels, self._deadline = client, labels, deadline
        self.problems: list[str] = []

    async def side_by_side(self, packs: Sequence[Pack]) -> list[tuple[float, ...]]:
        places = asyncio.Semaphore(_AT_ONCE)

        async def of(pack: Pack) -> tuple[float, ...]:
            async with places:
                return await self.scores(pack, pack.items)

        return await asyncio.gather(*map(of, packs))

    async def alone(self, pack: Pack) -> Mapping[int, float]:
        ends = sorted({0, len(pack.items) - 1})
        return {index: (await self.scores(pack, [pack.items[index]]))[0] for index in ends}

    async def scores(self, pack: Pack, items: Sequence[tuple[int, ...]]) -> tuple[float, ...]:
        try:
            answer = await self._client.score(
                pack.query_ids, items, label_token_ids=self._labels, deadline=self._deadline
            )
        except (BackendProtocolError, PromptTooLong) as error:
            self.problems.append(f"the engine cannot answer a pack ({pack.kind}): {error}")
            return (math.nan,) * len(items)
        return answer.values
