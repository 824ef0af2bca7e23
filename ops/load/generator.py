"""``python -m ops.load.generator PLAN OUT``: the process that sends calls when they are due, and notes what came back.

It waits for no answer before the next call, and reads none: bodies go to a file, to be read when the run is over.
On SIGTERM it sends no more, waits for what is under way, and ends in order.
"""

import asyncio
import gc
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import aiohttp
import uvloop

from ops.load.traffic import PlannedCall
from ops.load.wire import Cost, Orders, Sent, read_plan, server_seconds, write_cost, write_sent

__all__: list[str] = []

# Nothing is due within the first moments, while the process warms up.
_LEAD_S = 0.3
_HEADERS = {"Content-Type": "application/json"}


class _Sender:
    def __init__(self, http: aiohttp.ClientSession, orders: Orders, out: BinaryIO) -> None:
        self._http = http
        self._url = f"{orders.url}/v1/score"
        self._out = out
        self._is_over = asyncio.Event()

    def stop(self) -> None:
        """Send no more."""
        self._is_over.set()

    async def send_all(self, calls: Sequence[PlannedCall]) -> Cost:
        cpu_s, started_s = time.process_time(), time.monotonic() + _LEAD_S
        async with asyncio.TaskGroup() as tasks:
            for number, call in enumerate(calls):
                due_s = started_s + call.due_s
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._is_over.wait(), max(0.0, due_s - time.monotonic()))
                if self._is_over.is_set():
                    break
                tasks.create_task(self._send(number, call, due_s))
        return Cost(started_s, time.monotonic(), time.process_time() - cpu_s)

    async def _send(self, number: int, call: PlannedCall, due_s: float) -> None:
        sent_s, body, status, error, server_s = time.monotonic(), b"", 0, "", None
        try:
            async with self._http.post(self._url, data=call.body, headers=_HEADERS) as response:
                body, status = await response.read(), response.status
                server_s = server_seconds(response.headers.get("Server-Timing", ""))
        except (aiohttp.ClientError, TimeoutError) as failure:
            error = type(failure).__name__
        done_s = time.monotonic()
        sent = Sent(number, call.traffic_class, due_s, sent_s, done_s, status, error, server_s)
        write_sent(self._out, sent, body)


async def _run(plan: Path, out: Path) -> None:
    orders, calls = read_plan(plan)
    gc.collect()
    gc.freeze()  # the plan stays: no collection need look at it
    timeout = aiohttp.ClientTimeout(total=orders.give_up_s)
    connector = aiohttp.TCPConnector(limit=0)  # a limit would make calls wait for each other
    with out.open("wb") as file:
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
            sender = _Sender(http, orders, file)
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, sender.stop)
            cost = await sender.send_all(calls)
        write_cost(file, cost)


if __name__ == "__main__":
    uvloop.run(_run(Path(sys.argv[1]), Path(sys.argv[2])))
