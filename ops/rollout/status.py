"""How far a roll-out is: the committed offsets of the lane against those up to which it was asked for."""

from collections import Counter
from dataclasses import dataclass, field

from ops.lag.measure import committed_offsets
from ops.rollout.enumeration import Enumeration
from ops.rollout.plan import num_remaining
from ops.rollout.topic import read_rollout
from ops.topic_reader import TopicReader
from schemas.documents import State
from schemas.rollout import RolloutState

__all__ = ["Counts", "LaneProgress", "RolloutStatus", "count_documents", "measure_rollout", "rate_per_s"]


@dataclass(frozen=True, slots=True)
class LaneProgress:
    """The lane at one moment.

    Attributes:
        remaining: Requests of the roll-out that are not finished; up to the last one asked for so far.
        waiting: Requests of all kinds that are not finished, fallbacks to mend included.
        at_s: When, in seconds of some steady clock.
    """

    remaining: int
    waiting: int
    at_s: float


@dataclass(frozen=True, slots=True)
class Counts:
    """Stored documents.

    Attributes:
        by_state: State -> number of documents.
        num_behind: Live ones below the latest generation.
    """

    by_state: dict[str, int] = field(default_factory=dict)
    num_behind: int = 0


@dataclass(frozen=True, slots=True)
class RolloutStatus:
    """All that `precis rollout status` shows.

    Attributes:
        rollout: The latest roll-out.
        progress: The lane.
        rate_per_s: Requests finished in a second just now; None where that is not known.
        counts: Stored documents; None where they were not counted.
    """

    rollout: RolloutState
    progress: LaneProgress
    rate_per_s: float | None = None
    counts: Counts | None = None

    @property
    def done(self) -> int:
        """Requests of the roll-out that are finished."""
        return max(0, self.rollout.requested - self.progress.remaining)

    @property
    def eta_s(self) -> float | None:
        """Seconds until the roll-out is done at this rate; None where that cannot be said."""
        if self.progress.remaining == 0:
            return 0.0
        if not self.rate_per_s or self.rollout.is_paused:
            return None
        return self.progress.remaining / self.rate_per_s


async def measure_rollout(
    bootstrap: str, *, rollouts_topic: str, resummarise_topic: str, group: str, at_s: float
) -> RolloutStatus:
    """Look at the broker once.

    Args:
        bootstrap: The broker.
        rollouts_topic: Where the state is.
        resummarise_topic: The lane's topic.
        group: The lane's consumer group.
        at_s: Present time of a steady clock, in seconds.

    Raises:
        ConfigurationError: The broker does not have the topic of states.
        BackendError: It does not answer.
    """
    async with TopicReader(bootstrap) as reader:
        rollout = await read_rollout(reader, rollouts_topic)
        spans = await reader.spans(resummarise_topic)
        numbers = [span.partition for span in spans]
        committed = await committed_offsets(bootstrap, group, resummarise_topic, numbers)
    # A new group starts at what is still there.
    position = {span.partition: max(span.begin, committed[span.partition] or 0) for span in spans}
    waiting = sum(span.end - min(span.end, position[span.partition]) for span in spans)
    remaining = num_remaining(rollout, dict(position)) if rollout.is_enumerated else waiting
    return RolloutStatus(rollout, LaneProgress(remaining, waiting, at_s))


def rate_per_s(before: LaneProgress, now: LaneProgress) -> float | None:
    """Requests finished in a second between two looks; None where more were published than finished."""
    elapsed_s = now.at_s - before.at_s
    num_finished = before.waiting - now.waiting
    return num_finished / elapsed_s if elapsed_s > 0 and num_finished >= 0 else None


async def count_documents(enumeration: Enumeration, generation: int) -> Counts:
    """Count all stored documents by state.

    Args:
        enumeration: Of all of them, at its first pass.
        generation: The latest roll-out.
    """
    by_state: Counter[str] = Counter({str(state): 0 for state in State})
    num_behind = 0
    async for page in enumeration.next_pass():
        for entry in page:
            by_state[str(entry.state)] += 1
            num_behind += entry.state is not State.DELETED and entry.generation < generation
    return Counts(dict(by_state), num_behind)
