"""The rankers of some processes as people read them, and as JSON."""

from collections.abc import Sequence
from typing import Any

from rich.console import Group
from rich.markup import escape
from rich.table import Table

from ops.arms.fetch import Process
from schemas.arms import ArmPhase, ArmView

__all__ = ["arms_fields", "arms_page"]

_COLOURS = {ArmPhase.VERIFIED: "green", ArmPhase.DRAINING: "dim"}


def arms_fields(processes: Sequence[Process]) -> dict[str, Any]:
    """One JSON object."""
    return {
        "is_as_declared": all(process.is_as_declared for process in processes),
        "processes": [
            {
                "url": process.url,
                "is_as_declared": process.is_as_declared,
                "problem": process.problem,
                "arms": process.view.model_dump(mode="json") if process.view else None,
            }
            for process in processes
        ],
    }


def arms_page(processes: Sequence[Process]) -> Group:
    """A head and a table for each process; a line for one that did not answer."""
    parts: list[Any] = []
    for process in processes:
        parts.append(_head(process))
        if process.view:
            parts.append(_table(process.view.arms))
    return Group(*parts)


def _head(process: Process) -> str:
    view = process.view
    if view is None:
        return f"[bold]{escape(process.url)}[/]  [red]{escape(process.problem or '')}[/]"
    change = ""
    if view.champion != view.declared_champion:
        change = f", [yellow]{escape(view.declared_champion)} declared but not verified[/]"
    file = escape(view.file) if view.file else "no arms file: the settings' ranker serves alone"
    problem = f"\n  [red]not followed as it stands: {escape(view.file_problem)}[/]" if view.file_problem else ""
    return f"[bold]{escape(process.url)}[/]  {escape(view.champion)} in charge{change}  [dim]{file}[/]{problem}"


def _table(arms: Sequence[ArmView]) -> Table:
    table = Table(box=None, padding=(0, 1))
    for name in ("arm", "role", "phase", "share", "shadow", "bundle", "revision", "calls", "tokens", "why not"):
        table.add_column(name, overflow="fold")
    for arm in arms:
        colour = _COLOURS.get(arm.phase, "yellow")
        table.add_row(
            escape(arm.name),
            arm.role,
            f"[{colour}]{arm.phase}[/]",
            f"{arm.share:.0%}",
            f"{arm.shadow:.0%}",
            escape(arm.bundle),
            arm.bundle_revision or "",
            str(arm.calls),
            str(arm.tokens_in_flight),
            escape(arm.why_not or ""),
        )
    return table
