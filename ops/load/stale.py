"""Whether an answer is older than a write that was acknowledged before the call was sent (DESIGN 5). Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ops.load.wire import Sent

__all__ = ["History", "Judge", "Write"]

_ABSENT = frozenset({"deleted", "no_summary"})


@dataclass(frozen=True, slots=True)
class Write:
    """A stored document, as the changelog told of it.

    Attributes:
        seen_s: When it was read there, on the monotonic clock: its write was acknowledged before.
        rev: Order of the job's writes.
        item_version: Of its text.
        is_deleted: Whether the job is gone.
    """

    seen_s: float
    rev: int
    item_version: str
    is_deleted: bool


@dataclass(slots=True)
class History:
    """Writes of all jobs."""

    _writes: dict[str, list[Write]] = field(default_factory=dict)

    def note(self, job_id: str, write: Write) -> None:
        """Add one, in the order of the changelog."""
        self._writes.setdefault(job_id, []).append(write)

    def __len__(self) -> int:
        return sum(map(len, self._writes.values()))

    def current(self, job_id: str, at_s: float) -> Sequence[Write]:
        """What an answer may be of: the last write seen by then, first, and all later ones; empty of an unknown job."""
        writes = self._writes.get(job_id, ())
        known = [write for write in writes if write.seen_s <= at_s]
        if not known:
            return ()
        last = max(known, key=lambda write: write.rev)
        return [last, *(write for write in writes if write.rev > last.rev)]

    def is_known(self, job_id: str, item_version: str) -> bool:
        """Whether any write had this text."""
        return any(write.item_version == item_version for write in self._writes.get(job_id, ()))


@dataclass(slots=True)
class Judge:
    """Looks at answers.

    Attributes:
        history: Complete for the time of the calls, before the first answer is judged.
        allowed_lag_s: How much older than its sending an answer may be: 0 for strict calls.
        num_judged: Results that could be compared with a write.
        num_unknown: Results of a text that the changelog has not told of: neither right nor wrong.
        stale: What was wrong, in words.
    """

    history: History
    allowed_lag_s: float = 0.0
    num_judged: int = 0
    num_unknown: int = 0
    stale: list[str] = field(default_factory=list)

    def see(self, sent: Sent, answer: Mapping[str, Any]) -> None:
        """Judge the results of a call against the writes known when it was sent, or so much earlier."""
        for result in answer.get("results", ()):
            allowed = self.history.current(result["job_id"], sent.sent_s - self.allowed_lag_s)
            if allowed:
                self.num_judged += 1
                self._judge(result, allowed)

    def _judge(self, result: Mapping[str, Any], allowed: Sequence[Write]) -> None:
        last, version = allowed[0], result["item_version"]
        if result["score"] is not None and all(write.is_deleted for write in allowed):
            self.stale.append(f"{result['job_id']}: deleted at rev {last.rev}, answered with a score")
        elif result["reason"] in _ABSENT and not any(write.is_deleted for write in allowed):
            self.stale.append(f"{result['job_id']}: live at rev {last.rev}, answered as {result['reason']}")
        elif version is None or version in {write.item_version for write in allowed}:
            return
        elif self.history.is_known(result["job_id"], version):
            self.stale.append(f"{result['job_id']}: {last.item_version} at rev {last.rev}, answered {version}")
        else:
            self.num_unknown += 1
