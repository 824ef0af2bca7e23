"""The files between the command and the process that sends: the plan, and what came back."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ops.load.traffic import PlannedCall
from schemas.errors import BackendProtocolError

__all__ = [
    "Cost",
    "Orders",
    "Sent",
    "read_plan",
    "read_sent",
    "server_seconds",
    "write_cost",
    "write_plan",
    "write_sent",
]


@dataclass(frozen=True, slots=True)
class Orders:
    """What the sender is told beside the calls.

    Attributes:
        url: Of the scorer.
        give_up_s: After which a call that has no answer is cut off, seconds after it was sent.
    """

    url: str
    give_up_s: float


@dataclass(frozen=True, slots=True)
class Sent:
    """A call and how it ended. Times are of the machine's monotonic clock, seconds.

    Attributes:
        number: In the plan, from 0.
        traffic_class: Its class.
        due_s: When it was due.
        sent_s: When it was handed to the connection.
        done_s: When the whole answer was there, or the call had failed.
        status: HTTP status; 0: no answer.
        error: Why there was none; empty otherwise.
        server_s: What the scorer itself says it took (``total`` in ``Server-Timing``); None where it says nothing.
    """

    number: int
    traffic_class: str
    due_s: float
    sent_s: float
    done_s: float
    status: int
    error: str = ""
    server_s: float | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What sending cost.

    Attributes:
        started_s: When the schedule began, seconds of the monotonic clock.
        ended_s: When the last call had ended.
        cpu_s: CPU time of the sender between the two, seconds.
    """

    started_s: float
    ended_s: float
    cpu_s: float


def write_plan(path: Path, orders: Orders, calls: Iterable[PlannedCall]) -> int:
    """Write a plan; returns the number of its calls."""
    count = 0
    with path.open("wb") as file:
        file.write(json.dumps(asdict(orders)).encode() + b"\n")
        for count, call in enumerate(calls, start=1):  # noqa: B007 - the last value is the answer
            file.write(b"%.6f %b %b\n" % (call.due_s, call.traffic_class.encode(), call.body))
    return count


def read_plan(path: Path) -> tuple[Orders, list[PlannedCall]]:
    """Read what :func:`write_plan` wrote."""
    with path.open("rb") as file:
        orders = Orders(**json.loads(file.readline()))
        calls = []
        for line in file:
            due_s, traffic_class, body = line.rstrip(b"\n").split(b" ", 2)
            calls.append(PlannedCall(float(due_s), traffic_class.decode(), body))
    return orders, calls


def server_seconds(server_timing: str) -> float | None:
    """``total`` of a ``Server-Timing`` header, in seconds; None where there is none."""
    stages = dict(part.strip().partition(";dur=")[::2] for part in server_timing.split(","))
    try:
        return float(stages["total"]) / 1e3
    except (KeyError, ValueError):
        return None


def write_sent(file: BinaryIO, sent: Sent, body: bytes) -> None:
    """Append a call that has ended."""
    file.write(json.dumps(asdict(sent)).encode() + b"\t" + body.replace(b"\n", b" ") + b"\n")


def write_cost(file: BinaryIO, cost: Cost) -> None:
    """Append the last line."""
    file.write(json.dumps(asdict(cost)).encode() + b"\n")


def read_sent(path: Path) -> Iterator[tuple[Sent, dict[str, Any]] | Cost]:
    """Calls in the order of their ends, each with its answer (empty where it is no JSON object); the cost last.

    Raises:
        BackendProtocolError: The sender was cut off.
    """
    last: Cost | None = None
    with path.open("rb") as file:
        for line in file:
            head, has_body, body = line.partition(b"\t")
            fields = json.loads(head)
            if has_body:
                yield Sent(**fields), _answer(body)
            else:
                last = Cost(**fields)
    if last is None:
        raise BackendProtocolError("its output has no last line: it was cut off", backend="load", operation="send")
    yield last


def _answer(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
