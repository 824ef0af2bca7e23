"""Engines without a model: pure functions of the prompt, with scripted failures and gates in place of sleeps.

Both implement the ports of ``models.clients.ports`` and pass ``tests/contract/clients``.

A test that needs a call to be under way while something else happens does:

    engine.hold()
    task = asyncio.create_task(...)
    await engine.started.wait()
    ...
    engine.release.set()
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from models.clients.ports import Completion, Sampling, Scores
from schemas.deadline import Deadline
from schemas.errors import DeadlineExceeded, PrecisError, PromptTooLong

__all__ = ["LexicalRanker", "RankerCall", "ScriptedSummarizer", "SummarizerCall", "digest_text"]


@dataclass(frozen=True, slots=True)
class SummarizerCall:
    """One call as it came in."""

    prompt_ids: tuple[int, ...]
    max_tokens: int
    stop_token_ids: tuple[int, ...]
    deadline: Deadline
    sampling: Sampling | None = None


@dataclass(frozen=True, slots=True)
class RankerCall:
    """One call as it came in."""

    query_ids: tuple[int, ...]
    items: tuple[tuple[int, ...], ...]
    label_token_ids: tuple[int, ...]
    deadline: Deadline


_CONSONANTS = str.maketrans("0123456789abcdef", "bcdfghjklmnpqrst")


def digest_text(prompt_ids: Sequence[int]) -> str:
    """The default summary: six words that only this prompt has.

    Lower-case letters alone: it states no number, name or place, so the faithfulness gate has nothing against it.
    """
    digest = hashlib.sha256(",".join(map(str, prompt_ids)).encode()).hexdigest().translate(_CONSONANTS)
    return " ".join(digest[start : start + 4] for start in range(0, 24, 4))


class _Gate:
    """What both doubles share: a gate that calls wait at, a script of failures, and counts of calls under way."""

    def __init__(self, script: Iterable[PrecisError | None], revision: str, context_len: int) -> None:
        self.script: deque[PrecisError | None] = deque(script)
        self.model_revision = revision
        self.context_len = context_len
        self.started = asyncio.Event()
        self._arrived = asyncio.Event()
        self._left = asyncio.Event()
        self.release = asyncio.Event()
        self.release.set()
        self.num_in_flight = 0
        self.peak_in_flight = 0
        self.num_cancelled = 0
        self.is_closed = False

    def hold(self) -> None:
        """From now on calls wait until ``release`` is set, or their deadline."""
        self.started.clear()
        self.release.clear()

    async def wait_in_flight(self, num_calls: int) -> None:
        """Until that many calls are under way at once."""
        while self.num_in_flight < num_calls:
            self._arrived.clear()
            await self._arrived.wait()

    async def wait_idle(self) -> None:
        """Until no call is under way: over a socket it takes a moment until the engine sees that its caller left."""
        while self.num_in_flight:
            self._left.clear()
            await self._left.wait()

    def fail_next(self, *errors: PrecisError | None) -> None:
        """The next calls raise these, one each; None stands for a call that succeeds."""
        self.script.extend(errors)

    @asynccontextmanager
    async def passing(self, longest: int, deadline: Deadline) -> AsyncIterator[None]:
        self.num_in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.num_in_flight)
        self.started.set()
        self._arrived.set()
        try:
            deadline.check("the engine was asked")
            async with asyncio.timeout(deadline.remaining_s()):
                await self.release.wait()
                await asyncio.sleep(0)
            if self.script and (error := self.script.popleft()) is not None:
                raise error
            if longest > self.context_len:
                raise PromptTooLong(f"prompt of {longest} tokens is over the context of {self.context_len}")
            yield
        except TimeoutError as error:
            raise DeadlineExceeded("deadline passed while the engine worked") from error
        except asyncio.CancelledError:
            self.num_cancelled += 1
            raise
        finally:
            self.num_in_flight -= 1
            self._left.set()

    async def revision(self) -> str:
        """What ``model_revision`` says now."""
        return self.model_revision

    async def close(self) -> None:
        """Note it."""
        self.is_closed = True


class ScriptedSummarizer(_Gate):
    """``SummarizerEngine``: a pure function of the prompt.

    Attributes:
        calls: Every call in order of arrival, failed ones too.
        sampled_answer: Text of answers that are not greedy; the greedy one where none is given.
        script: Outcome of the next calls, one each: an error to raise, None to answer. Empty: all answer.
        fail_when: Asked for each call after the script; an error that it returns is raised.
        model_revision: What answers and ``revision`` say; a test may change it.
        peak_in_flight: Most calls under way at once.
        num_cancelled: Calls that their caller cancelled.
    """

    def __init__(
        self,
        answer: Callable[[Sequence[int]], str] = digest_text,
        *,
        sampled_answer: Callable[[Sequence[int]], str] | None = None,
        script: Iterable[PrecisError | None] = (),
        fail_when: Callable[[Sequence[int]], PrecisError | None] = lambda _: None,
        revision: str = "summarizer-double",
        context_len: int = 4_096,
    ) -> None:
        super().__init__(script, revision, context_len)
        self.answer = answer
        self.sampled_answer = sampled_answer or answer
        self.fail_when = fail_when
        self.calls: list[SummarizerCall] = []

    async def arriving(self) -> None:
        """What a double of this one does before a call is noted; this one does nothing."""

    async def complete(
        self,
        prompt_ids: Sequence[int],
        *,
        max_tokens: int,
        stop_token_ids: Sequence[int],
        stop: Sequence[str] = (),
        deadline: Deadline,
        sampling: Sampling | None = None,
    ) -> Completion:
        """The answer to this prompt, up to the first of ``stop``, its words cut at ``max_tokens``."""
        await self.arriving()
        self.calls.append(SummarizerCall(tuple(prompt_ids), max_tokens, tuple(stop_token_ids), deadline, sampling))
        async with self.passing(len(prompt_ids) + max_tokens, deadline):
            if (error := self.fail_when(prompt_ids)) is not None:
                raise error
            answer = self.answer if sampling is None else self.sampled_answer
            text = answer(prompt_ids)
            text = text[: min((at for end in stop if (at := text.find(end)) >= 0), default=len(text))]
            words = text.split(" ")
            whole = Completion(
                text=" ".join(words),
                num_prompt_tokens=len(prompt_ids),
                num_output_tokens=len(words),
                is_complete=True,
                revision=self.model_revision,
            )
            if len(words) <= max_tokens:
                return whole
            text = " ".join(words[:max_tokens])
            return replace(whole, text=text, num_output_tokens=max_tokens, is_complete=False)


class LexicalRanker(_Gate):
    """``RankerEngine``: the share of the query's tokens that the item has, smoothed into (0, 1).

    Of the two labels the one with the lower id is yes, as in the small tokenizer.

    Attributes:
        calls: Every call in order of arrival, failed ones too.
        script: Outcome of the next calls, one each: an error to raise, None to answer. Empty: all answer.
        model_revision: What answers and ``revision`` say; a test may change it.
        peak_in_flight: Most calls under way at once.
        num_cancelled: Calls that their caller cancelled.
    """

    def __init__(
        self,
        *,
        script: Iterable[PrecisError | None] = (),
        revision: str = "ranker-double",
        context_len: int = 4_096,
        smoothing: int = 1,
    ) -> None:
        """Make one; with another smoothing it is another model, of other scores."""
        super().__init__(script, revision, context_len)
        self.calls: list[RankerCall] = []
        self._smoothing = smoothing

    @property
    def num_items(self) -> int:
        """Items of all calls so far."""
        return sum(len(call.items) for call in self.calls)

    async def score(
        self,
        query_ids: Sequence[int],
        items: Sequence[Sequence[int]],
        *,
        label_token_ids: Sequence[int],
        deadline: Deadline,
    ) -> Scores:
        """Scores by overlap of tokens."""
        copies = tuple(tuple(item) for item in items)
        self.calls.append(RankerCall(tuple(query_ids), copies, tuple(label_token_ids), deadline))
        longest = len(query_ids) + max(map(len, copies), default=0)
        async with self.passing(longest, deadline):
            wanted = set(query_ids)
            extra = self._smoothing
            values = tuple((extra + len(wanted & set(item))) / (2 * extra + len(wanted)) for item in copies)
            if label_token_ids[0] > label_token_ids[-1]:  # no before yes
                values = tuple(1 - value for value in values)
            return Scores(values=values, revision=self.model_revision)
