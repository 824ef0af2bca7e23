"""The state of the roll-out of a new summarizer: the last record of the compacted topic ``job-rollouts``.

One partition, one key, so the topic holds one record; every worker follows it, and `precis rollout` writes it.
"""

from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from schemas.errors import InvalidInput

__all__ = ["ROLLOUT_KEY", "RolloutPhase", "RolloutState", "decode_rollout", "encode_rollout"]

ROLLOUT_KEY = b"rollout"
"""Key of every record of the topic."""


class RolloutPhase(StrEnum):
    """Whether the re-summarise lane may work."""

    RUNNING = "running"
    PAUSED = "paused"
    """The lane takes nothing, fallbacks to mend included, until it is resumed."""


class RolloutState(BaseModel):
    """What is known of the latest roll-out."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    schema_number: Literal[1] = Field(default=1, alias="schema")
    generation: int = Field(default=0, ge=0, le=2**53 - 1)
    """Number of the roll-out; 0 before the first. Never falls."""
    phase: RolloutPhase = Field(default=RolloutPhase.RUNNING, alias="state")
    revision: str | None = None
    """Revision of the summarizer bundle that it rolls out; None where any may write under its number."""
    requested: int = Field(default=0, ge=0)
    """Requests published for it so far; more than jobs where it was started again after a crash."""
    is_enumerated: bool = True
    """Whether every stored job was requested; False while `start` is at it, or where that was cut off."""
    until: dict[int, int] = Field(default_factory=dict)
    """Partition of the re-summarise topic -> end offset when all was requested: done when all of them are committed."""
    started_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None

    @property
    def is_paused(self) -> bool:
        """Whether the lane takes nothing."""
        return self.phase is RolloutPhase.PAUSED

    def allowed_generation(self, revision: str) -> int:
        """The highest generation that a worker's summaries may carry.

        While a roll-out is deployed, workers of the old model still run. What they write must count as old, else the
        lane would take it for done.

        Args:
            revision: Of the worker's summarizer bundle.
        """
        is_ours = self.revision is None or self.revision == revision
        return self.generation if is_ours else max(0, self.generation - 1)


def encode_rollout(state: RolloutState) -> tuple[bytes, bytes]:
    """Key and value of the record that carries the state."""
    return ROLLOUT_KEY, state.model_dump_json(by_alias=True).encode()


def decode_rollout(key: bytes | None, value: bytes | None) -> RolloutState:
    """Read one record of the topic.

    Raises:
        InvalidInput: It is none of ours, or of another schema; the message says why.
    """
    if key != ROLLOUT_KEY or value is None:
        message = f"record with key {(key or b'')[:60]!r} is no roll-out state: the key must be {ROLLOUT_KEY!r}"
        raise InvalidInput(message, field="key")
    try:
        return RolloutState.model_validate_json(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        message = f"roll-out state: {field}: {first['msg']}"
        raise InvalidInput(message, field=field) from error
