"""What `precis rollout` is to do next, and which stored jobs it asks for. Pure: the same facts, the same answer."""

from datetime import datetime

from schemas.documents import State
from schemas.errors import ConfigurationError
from schemas.resummarise import Reason, ResummariseRequest
from schemas.rollout import RolloutPhase, RolloutState
from store.ports import ScannedSummary

__all__ = ["fallback_request", "next_rollout", "num_remaining", "rollout_request"]


def num_remaining(state: RolloutState, committed: dict[int, int | None]) -> int:
    """Requests of the roll-out that the lane has not finished.

    Args:
        state: The roll-out; whose ``until`` is known once every job was requested.
        committed: Partition -> offset committed by the lane's group; None where it committed nothing yet.
    """
    return sum(max(0, end - (committed.get(partition) or 0)) for partition, end in state.until.items())


def next_rollout(
    known: RolloutState, remaining: int, *, chosen: int | None, highest_stored: int, revision: str, now: datetime
) -> RolloutState:
    """The state that `start` writes first.

    One that was cut off while it asked for jobs goes on; it was never finished asking. One that has asked for all is
    left to the lane: only a higher number replaces it, and its own number asks again for what is still behind.

    Args:
        known: The latest roll-out.
        remaining: Its requests that the lane has not finished.
        chosen: Generation that the operator names; None for the next one.
        highest_stored: Highest generation of any stored document, as far as is known: 0 where it is not.
        revision: Of the summarizer bundle that is rolled out.
        now: Present time, UTC.

    Raises:
        ConfigurationError: A roll-out is under way, the number is lower than the latest one, or it belongs to another
            summarizer.
    """
    highest = max(known.generation, highest_stored)
    if chosen is not None and chosen < max(highest, 1):
        raise ConfigurationError(
            f"generation {chosen} is below {max(highest, 1)}: generations never fall. Leave --generation out for the "
            "next one, or name the latest to ask again for what is behind it"
        )
    is_cut_off = not known.is_enumerated
    if chosen is None and known.generation and remaining and not is_cut_off:
        paused = " It is paused: `precis rollout resume` ends that." if known.is_paused else ""
        raise ConfigurationError(
            f"the roll-out of generation {known.generation} is under way, {remaining} of {known.requested} requests "
            f"are left: see `precis rollout status`.{paused} A higher --generation starts another in its place"
        )
    generation = chosen if chosen is not None else highest if is_cut_off else highest + 1
    if generation == known.generation:
        if known.revision not in {None, revision}:
            raise ConfigurationError(
                f"generation {generation} rolls out summarizer revision {known.revision}, but summarizer.bundle has "
                f"revision {revision}: set the bundle to that one, or start the next with --generation {generation + 1}"
            )
        return known.model_copy(update={"is_enumerated": False, "updated_at": now})
    return RolloutState(
        generation=generation,
        phase=RolloutPhase.RUNNING,
        revision=revision,
        is_enumerated=False,
        started_at=now,
        updated_at=now,
    )


def rollout_request(entry: ScannedSummary, rollout: RolloutState) -> ResummariseRequest | None:
    """What is asked for a stored document in a roll-out; None where nothing is to be done."""
    if entry.state is State.DELETED or entry.generation >= rollout.generation:
        return None
    return ResummariseRequest(
        job_id=entry.job_id, reason=Reason.ROLLOUT, generation=rollout.generation, revision=rollout.revision
    )


def fallback_request(entry: ScannedSummary, rollout: RolloutState) -> ResummariseRequest | None:
    """What is asked for a stored document where only fallbacks are to be mended; None where it is none."""
    if entry.state is not State.FALLBACK:
        return None
    return ResummariseRequest(job_id=entry.job_id, reason=Reason.FALLBACK, generation=rollout.generation)
