"""Section `scorer.near_cache` of the settings."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["NearCacheSection"]


class NearCacheSection(BaseModel):
    """Summaries beside the store, one file a machine, for scoring calls with `consistency: bounded`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    enabled: bool = True
    """Whether there is one, where a broker is named; without, those calls are answered strictly."""
    path: Path | None = None
    """Its file, on a local file system; empty: `near-cache.sqlite` in the data directory."""
    max_lag_s: Annotated[float, Field(gt=0)] = 2.0
    """Bound of calls that name none, seconds."""
    max_age_s: Annotated[float, Field(gt=0)] = 302_400
    """A file that was not fed for so long is built anew, seconds: half of the `delete.retention.ms` of
    `topics.summaries`."""

    def file(self, data_dir: Path) -> Path:
        """Where it lies."""
        return self.path or data_dir / "near-cache.sqlite"
