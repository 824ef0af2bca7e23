"""Calls that have ended, as tests need them."""

from ops.load.summary import Outcome
from ops.load.wire import Sent

DEADLINE_S = 0.5


def sent(
    *,
    due_s: float = 0.0,
    delay_s: float = 0.0,
    latency_s: float = 0.1,
    status: int = 200,
    traffic_class: str = "interactive",
    server_s: float | None = None,
) -> Sent:
    """A call that was due at a time."""
    error = "" if status else "ClientOSError"
    return Sent(0, traffic_class, due_s, due_s + delay_s, due_s + latency_s, status, error, server_s)


def outcome(*, model: int = 0, cache: int = 0, depth: int = 0, deleted: int = 0, **call) -> Outcome:
    """A call with so many results of each kind."""
    counts = {"model": model, "cache": cache, "unscored:depth": depth, "unscored:deleted": deleted}
    sources = {name: count for name, count in counts.items() if count}
    return Outcome(sent(**call), model + cache, model + cache + depth, sources)


def result(job_id: str = "a", version: str | None = "v1", *, score: float | None = 0.5, reason: str | None = None):
    """One of an answer."""
    source = "model" if score is not None else "unscored"
    return {"job_id": job_id, "item_version": version, "score": score, "source": source, "reason": reason}
