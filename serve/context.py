"""What belongs to one HTTP request: its id, when it came, what is measured and logged about it."""

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import HTTPConnection
from starlette.types import Scope

from schemas.deadline import Deadline
from serve.telemetry import Stages

__all__ = ["RequestContext", "context_of"]

_KEY = "precis.context"


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Lives as long as the request.

    Attributes:
        request_id: Stands in the log line, in ``X-Request-Id`` and in problem documents.
        arrived_s: ``time.monotonic()`` at the first byte that the application saw.
        stages: Times, for ``Server-Timing`` and metrics.
        facts: Numbers for the log line. Never text of queries or documents.
    """

    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    arrived_s: float = field(default_factory=time.monotonic)
    stages: Stages = field(default_factory=Stages)
    facts: dict[str, Any] = field(default_factory=dict)

    def attach(self, scope: Scope) -> None:
        """Let :func:`context_of` find it."""
        scope[_KEY] = self

    @property
    def num_tokens(self) -> int:
        """Tokens that the call sent to the ranker so far: what it is charged."""
        return int(self.facts.get("tokens", 0))

    def deadline(self, budget_s: float) -> Deadline:
        """The deadline that lies ``budget_s`` after the arrival: reading the body counts."""
        return Deadline(self.arrived_s + budget_s)


def context_of(connection: HTTPConnection) -> RequestContext:
    """The context of this request."""
    context = connection.scope[_KEY]
    assert isinstance(context, RequestContext)
    return context
