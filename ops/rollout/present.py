"""The state of a roll-out as people read it, and as JSON."""

from typing import Any

from rich.table import Table

from ops.rollout.status import RolloutStatus

__all__ = ["status_fields", "status_table"]


def status_fields(status: RolloutStatus) -> dict[str, Any]:
    """One JSON object."""
    rollout, counts = status.rollout, status.counts
    return {
        "generation": rollout.generation,
        "state": str(rollout.phase),
        "is_paused": rollout.is_paused,
        "revision": rollout.revision,
        "is_enumerated": rollout.is_enumerated,
        "requested": rollout.requested,
        "done": status.done,
        "remaining": status.progress.remaining,
        "waiting": status.progress.waiting,
        "rate_per_s": status.rate_per_s,
        "eta_s": status.eta_s,
        "started_at": rollout.started_at.isoformat() if rollout.started_at else None,
        "by_state": counts.by_state if counts else None,
        "behind": counts.num_behind if counts else None,
    }


def status_table(status: RolloutStatus) -> Table:
    """A line a fact."""
    rollout = status.rollout
    table = Table(show_header=False, box=None, padding=(0, 1))
    table.add_column(style="dim")
    table.add_column()
    table.add_row("generation", str(rollout.generation) if rollout.generation else "0 (no roll-out yet)")
    if rollout.generation:
        table.add_row("state", _state_text(status))
        table.add_row("summarizer", rollout.revision or "any revision")
        table.add_row("requested", f"{rollout.requested}{'' if rollout.is_enumerated else ' so far'}")
        table.add_row("done", str(status.done))
        table.add_row("remaining", str(status.progress.remaining))
    table.add_row("lane", f"{status.progress.waiting} requests wait, fallbacks to mend included")
    table.add_row("rate", "unknown" if status.rate_per_s is None else f"{status.rate_per_s:.1f} a second")
    if rollout.generation and status.progress.remaining:
        table.add_row("time left", "unknown" if status.eta_s is None else _duration(status.eta_s))
    if status.counts is not None:
        table.add_row("documents", ", ".join(f"{count} {name}" for name, count in status.counts.by_state.items()))
        table.add_row("behind", f"{status.counts.num_behind} live documents are of an earlier generation")
    return table


def _state_text(status: RolloutStatus) -> str:
    rollout = status.rollout
    if rollout.is_paused:
        return "[yellow]paused[/]: `precis rollout resume` goes on"
    if not rollout.is_enumerated:
        return "[yellow]not all jobs were asked for[/]: if no `precis rollout start` runs, start it again"
    return "running" if status.progress.remaining else "[green]done[/]"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
