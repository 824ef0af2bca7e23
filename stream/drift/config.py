"""What the drift monitor can be told."""

from dataclasses import dataclass
from pathlib import Path

from schemas.errors import ConfigurationError

__all__ = ["LEAST_WINDOW", "DriftConfig"]

LEAST_WINDOW = 80
"""Fewest postings of a window: ten for each of the detector's eight bins. With fewer its bound is not to be trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftConfig:
    """Settings of the monitor of one worker process."""

    queries: tuple[str, ...]
    """Normalised queries that postings are scored for; ``stream.drift.queries`` reads them."""
    share: float = 0.01
    """Share of the published item versions that are sampled, above 0 to 1."""
    queries_per_posting: int = 4
    """Queries that each sampled posting is scored for, at least 1."""
    max_pairs_per_minute: float = 60.0
    """Most calls to the ranker a minute; each scores one query with the whole text and the summary of one posting."""
    timeout_s: float = 10.0
    """Budget of one call, in seconds."""
    queue_size: int = 128
    """Sampled postings that may wait; more are dropped."""
    window: int = 200
    """Postings that are judged together, at least 80."""
    reference_size: int = 400
    """Postings of the reference, at least 80: the first ones that are compared, where no file has it."""
    reference_file: Path | None = None
    """JSON file that keeps the reference: read where it is there, else written when the reference is whole. None: each
    start freezes a new one."""

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        Raises:
            ConfigurationError: Names the setting and its value.
        """
        if not 0 < self.share <= 1:
            raise ConfigurationError(f"drift share is {self.share!r}: it must be above 0, and 1 at most")
        for name in ("queries_per_posting", "queue_size"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"drift {name} is {getattr(self, name)!r}: it must be at least 1")
        for name in ("max_pairs_per_minute", "timeout_s"):
            if not getattr(self, name) > 0:
                raise ConfigurationError(f"drift {name} is {getattr(self, name)!r}: it must be above 0")
        for name in ("window", "reference_size"):
            if getattr(self, name) < LEAST_WINDOW:
                raise ConfigurationError(
                    f"drift {name} is {getattr(self, name)!r}: it must be at least {LEAST_WINDOW} postings, for fewer "
                    "tell drift from chance too seldom"
                )
        if not self.queries:
            raise ConfigurationError("drift has no queries: give it a file with one at least")
