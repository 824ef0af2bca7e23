"""The result of the depth bench as tables for people, in Markdown; ``docs/depth.md`` holds them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["depth_tables"]


def depth_tables(result: Mapping[str, Any]) -> str:
    """One table for each caller's order.

    Args:
        result: Of ``bench_depth``.
    """
    tables = (_table("BM25", result["rows"]), _table("chance", result["rows_random_order"]))
    return "\n\n".join("\n".join(lines) for lines in tables)


def _table(order: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield f"| share scored | depth | NDCG@10, caller's order: {order} | 95 % | change | 95 % |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        change, low, high = (f"{row[name]:+.3f}" for name in ("change", "change_low", "change_high"))
        yield (
            f"| {row['depth_share']:.1f} | {row['depth']:.0f} | {row['ndcg_at_10']:.3f} "
            f"| {row['ndcg_low']:.3f} to {row['ndcg_high']:.3f} | {change} | {low} to {high} |"
        )
