"""Faults that a test asks for: the next requests of a kind are refused, kept waiting, or obeyed without an answer."""

from dataclasses import dataclass

from ops.standin.codes import Opcode, Status
from ops.standin.protocol import Request

__all__ = ["Fault", "Faults"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong, with which requests, how often. Built by name: ``Fault(operation="SET", status="LOCKED")``.

    Attributes:
        operation: Name in ``Opcode``; empty for any operation on a document.
        key: The request's key; empty for any.
        status: Name in ``Status`` to answer with, nothing being done; empty: the request is obeyed.
        is_silent: Whether no answer is sent. With an empty status: done, but nobody is told.
        delay_s: How long the answer is held back, in seconds.
        times: How many requests it hits.
    """

    operation: str = ""
    key: str = ""
    status: str = ""
    is_silent: bool = False
    delay_s: float = 0
    times: int = 1

    def __post_init__(self) -> None:
        if self.operation and self.operation not in Opcode.__members__:
            raise ValueError(f"fault: operation {self.operation!r} is none of {', '.join(Opcode.__members__)}")
        if self.status and self.status not in Status.__members__:
            raise ValueError(f"fault: status {self.status!r} is none of {', '.join(Status.__members__)}")

    def hits(self, request: Request, key: bytes) -> bool:
        """Whether it is meant for this request."""
        is_operation = request.opcode == Opcode[self.operation] if self.operation else True
        return is_operation and (not self.key or self.key.encode() == key)


class Faults:
    """Those that are asked for and not yet used up. For one thread."""

    def __init__(self) -> None:
        self._pending: list[tuple[Fault, int]] = []

    def ask(self, fault: Fault) -> None:
        """Add one."""
        self._pending.append((fault, fault.times))

    def clear(self) -> None:
        """From now on nothing goes wrong."""
        self._pending.clear()

    def take(self, request: Request, key: bytes) -> Fault | None:
        """The first fault that is meant for this request, used up by one."""
        for index, (fault, times) in enumerate(self._pending):
            if fault.hits(request, key):
                self._pending[index : index + 1] = [(fault, times - 1)] if times > 1 else []
                return fault
        return None
