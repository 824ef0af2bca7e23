"""Whether a lane is alive and ready, by its progress. Pure: the same facts, the same verdict.

Alive means: restarting this process would not help. So a lane that has work and does none of it is not alive, unless
somebody else holds it up: an engine or a store that refuses work, a roll-out that is paused, live updates that need
every slot. A broker that never answers is not told apart from a client that broke; a restart costs little, and after it
the service waits for the broker, alive, for as long as that takes.

Ready means: live updates are being processed. An engine or a store that has refused them for the whole stall timeout
makes the service unready, and says so. Lower lanes held up are ordinary: their lag is exported, and is what to watch.
"""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Excuse", "LaneFacts", "Verdict", "judge"]


class Excuse(StrEnum):
    """Why a lane that does nothing is not to blame."""

    REFUSED = "it is refused work"
    HELD = "it is held back (roll-out paused, or requests put off)"
    NO_SLOT = "higher priorities need every slot"


@dataclass(frozen=True, slots=True)
class LaneFacts:
    """What is known of a lane. Ages are in seconds.

    Attributes:
        is_lower: Whether other work comes before its own.
        is_assigned: Whether it has its partitions, which may be none.
        lag: Records that are not finished; 0 before it is known.
        assigned_age_s: Since ``is_assigned`` changed.
        answer_age_s: Since the broker last answered it.
        progress_age_s: Since something was finished or committed, or there was nothing to do.
        blame_age_s: The same, but not counting time for which it had an excuse.
        excuse: The last one it had.
    """

    is_lower: bool
    is_assigned: bool
    lag: int
    assigned_age_s: float
    answer_age_s: float
    progress_age_s: float
    blame_age_s: float
    excuse: Excuse | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the probes say of a lane.

    Attributes:
        is_live: Whether restarting the process would not help.
        is_ready: Whether it does its work, or waits as it should.
        reason: Why not; empty where there is nothing to say.
    """

    is_live: bool
    is_ready: bool
    reason: str = ""


def judge(facts: LaneFacts, stall_timeout_s: float) -> Verdict:
    """Decide about a lane.

    Args:
        facts: What is known.
        stall_timeout_s: How long it may do nothing.
    """
    if not facts.is_assigned:
        reason = f"no partitions assigned for {facts.assigned_age_s:.0f} s"
        return Verdict(is_live=facts.assigned_age_s < stall_timeout_s, is_ready=False, reason=reason)
    if facts.answer_age_s >= stall_timeout_s:
        reason = f"the broker has not answered for {facts.answer_age_s:.0f} s"
        return Verdict(is_live=False, is_ready=False, reason=reason)
    if facts.lag == 0 or facts.progress_age_s < stall_timeout_s:
        return Verdict(is_live=True, is_ready=True)
    reason = f"{facts.lag} records wait and none was finished for {facts.progress_age_s:.0f} s"
    if facts.blame_age_s >= stall_timeout_s or facts.excuse is None:
        return Verdict(is_live=False, is_ready=False, reason=reason)
    is_ready = facts.is_lower or facts.excuse is not Excuse.REFUSED
    return Verdict(is_live=True, is_ready=is_ready, reason=f"{reason}: {facts.excuse}")
