"""Settings of the nearline service: the section ``nearline`` of ``ops.settings``."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from ops.settings_types import Addresses, Count, Port, Seconds, Section, Share

__all__ = ["Drift", "Nearline"]


class Drift(Section):
    """The monitor of the nearline service that compares the ranker's scores of summaries with those of whole texts."""

    enabled: bool = False
    """Whether it runs. What it asks of the ranker is small (`max_pairs_per_minute`), but long: whole texts."""
    ranker_url: Addresses = ""
    """Address of a ranker that serves `ranker.bundle`, to keep this work off the scorer's; empty: that of `ranker.url`.
    It must read the bundle's `limits.query`, `header` and `body` together: see docs/operations.md."""
    share: Annotated[Share, Field(gt=0)] = 0.01
    """Share of the published item versions that are sampled."""
    queries: Path = Path(__file__).resolve().parent / "samples" / "judged.jsonl.gz"
    """JSON Lines with `query` in each, plain or gzip'd: a sample of live queries. Default: those of the sample data."""
    queries_per_posting: Count = 4
    """Queries that each sampled posting is scored for."""
    max_pairs_per_minute: Annotated[float, Field(gt=0)] = 60
    """Most calls to the ranker a minute of one worker; it makes fewer while the ranker answers slowly."""
    timeout_s: Seconds = 10
    """Limit of one call, seconds."""
    window: Annotated[int, Field(ge=80)] = 200
    """Postings that are judged together."""
    reference_size: Annotated[int, Field(ge=80)] = 400
    """Postings of the reference that windows are compared with: the first ones, where no file has it."""
    reference_file: Path | None = None
    """Keeps the reference over restarts: read where it is there, else written. One a worker. Empty: each start collects
    a new one."""


class Nearline(Section):
    """The service that turns job updates into summaries."""

    max_in_flight: Count = 16
    """Jobs at work at the same time; a little above the engine's slots keeps it full."""
    reserved_slots: Annotated[int, Field(ge=0)] | None = None
    """How many of these backfill and re-summarising never take; empty: a quarter of them, at least 1."""
    window: Count = 256
    """Records delivered but not committable: bounds memory and repeats after a crash."""
    summary_budget_s: Seconds = 60
    """Limit for one summary, retries included, seconds; then the extractive fallback is stored."""
    metrics_port: Port = 9101
    """Port of `/metrics`, `/livez` and `/readyz`."""
    metrics_host: str = "127.0.0.1"
    """Address that port is bound to."""
    stop_timeout_s: Seconds = 30
    """On SIGTERM: time to finish what is at work, seconds."""
    stall_timeout_s: Seconds = 180
    """A lane with lag that finished nothing for so long is not alive, seconds; above 2 x `summary_budget_s` + 20."""
    canary_interval_s: Seconds = 60
    """Between two runs of the summarizer's canaries, seconds; two that fail make the service unready."""
    canary_tokens: Count | None = None
    """Tokens of a canary's text that are compared; empty: all, for an engine in float32; 8 in bfloat16
    (`models/clients/canaries.py` says why)."""
    drift: Drift = Drift()
    """Whether summaries still rank as their texts do."""
