"""Bad requests over a real socket, which a transport in memory hides: a clear answer or an end, and nothing grows."""

import asyncio
import gc
import gzip
import json
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest

from serve.connection import HeadTimeLimit
from tests.doubles.served import served
from tests.doubles.waiting import until

_GOOD = b'{"query": "night", "job_ids": ["a"]}'
_ENDLESS = 10_000


class _Hasty(HeadTimeLimit):
    head_timeout_s = 0.05


def _post(body: bytes = _GOOD, *headers: str, path: str = "/v1/score", length: int | str | None = None) -> bytes:
    fields = ["host: scorer", "content-type: application/json", *headers]
    if length != "":
        fields.append(f"content-length: {len(body) if length is None else length}")
    return "\r\n".join([f"POST {path} HTTP/1.1", *fields, "", ""]).encode("latin-1") + body


class _Caller:
    """One connection."""

    def __init__(self, address: str) -> None:
        host, port = address.removeprefix("http://").split(":")
        self._place = (host, int(port))

    async def __aenter__(self) -> Self:
        self.reader, self.writer = await asyncio.open_connection(*self._place)
        return self

    async def __aexit__(self, *error: object) -> None:
        self.writer.close()

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        with suppress(ConnectionError):
            await self.writer.drain()

    async def answer(self) -> tuple[int, dict]:
        """Status and JSON of the next answer; 0 where the connection ends before it is whole."""
        try:
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = head.partition("content-length: ")[2].partition("\r\n")[0]
            content = await self.reader.readexactly(int(length)) if length else await self.reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):  # reset: it closed before it had read all
            return 0, {}
        return int(head.split(" ")[1]), json.loads(content) if "json" in head and content else {}

    async def is_closed(self) -> bool:
        """Whether the server ends the connection; waits for it."""
        try:
            return not await self.reader.read()
        except ConnectionError:
            return True


@pytest.fixture
async def address(start_scorer):
    """A scorer on a socket, in a hurry, whose bodies end at 10,000 bytes."""
    scorer = await start_scorer(max_body_bytes=_ENDLESS, body_timeout_s=0.05)
    async with served(scorer.app, http=_Hasty, timeout_keep_alive=60) as address:
        yield address


_CHUNKED = _post(b"", "transfer-encoding: chunked", length="")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (_post(length=_ENDLESS + 1), 413),
        (_post(length="9" * 20), 413),
        (_CHUNKED + b"1000\r\n" + b" " * 0x1000 + b"\r\n", 408),  # goes on, but not in time
        (_post(length=len(_GOOD) + 1), 408),
        (_CHUNKED, 408),
        (b"POST /v1/score HTTP/1.1\r\nhost: scorer\r\n", 400),
        (b"P", 400),
        (b"", 0),
        (_post(gzip.compress(_GOOD), "content-encoding: gzip"), 415),
        (_post(_GOOD, "content-encoding: x" + "y" * 1_000), 415),
    ],
    ids=["declared", "digits", "slow", "cut", "no-chunk", "slow-head", "one-byte", "silent", "gzip", "coding"],
)
async def test_what_does_not_end_is_answered_and_ended(address: str, request_bytes: bytes, status: int):
    """Whoever is slow, endless or unreadable learns why, and the connection is over."""
    async with _Caller(address) as caller:
        await caller.send(request_bytes)
        answer, problem = await caller.answer()
        assert answer == status
        assert status in {0, 400} or problem["detail"]
        assert await caller.is_closed()


async def test_chunks_without_end_are_cut_at_the_limit(address: str):
    """413 while the caller is still sending; little more than the limit is ever read."""
    chunk = b"400\r\n" + b" " * 0x400 + b"\r\n"
    async with _Caller(address) as caller:
        await caller.send(_CHUNKED + chunk * (_ENDLESS // 0x400 + 1))
        assert (await caller.answer())[0] == 413
        assert await caller.is_closed()


@pytest.mark.parametrize(
    "request_bytes",
    [
        _post(length=-1),
        _post(length="7x"),
        _post(_GOOD, "content-length: 7"),
        _post(_GOOD, "transfer-encoding: gzip"),
        _post(_GOOD, "transfer-encoding: chunked, gzip"),
        _CHUNKED + b"zz\r\n",
        _CHUNKED + b"ffffffffffffffffffffffff\r\n",
        _post(_GOOD, "x: a\x00b"),
        _post(_GOOD, "no colon"),
        _post(_GOOD, "bad name: x"),
        # Longer than one read of the socket: what comes in one is taken as it is.
        _post(_GOOD, "x: " + "y" * 400_000),
        b"POST /" + b"y" * 400_000 + b" HTTP/1.1\r\n\r\n",
        _post(length="9" * 30),
        b"POST /v1/score\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64) + b"\r\n\r\n",
        b"\r\n" * 50_000,
    ],
    ids=[
        *("negative-length", "odd-length", "two-lengths", "coding", "coding-last", "odd-chunk", "huge-chunk", "nul"),
        *("no-colon", "odd-name", "long-header", "long-path", "digits", "no-version", "tls", "blank-lines"),
    ],
)
async def test_what_is_not_http_is_refused(address: str, request_bytes: bytes):
    """400 at most, and the end of the connection: where a request ends is not to be guessed."""
    async with _Caller(address) as caller:
        await caller.send(request_bytes)
        assert (await caller.answer())[0] in {400, 413, 501, 0}
        assert await caller.is_closed()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"query": "a", "query": "night", "job_ids": ["a"]}', 200),  # the last one counts
        (b'{"query": "a", "job_ids": ["a", "a", "a"]}', 200),
        (b'{"query": "a", "job_ids": ["a"], "deadline_ms": 1e999}', 422),
        (b'{"query": "a", "job_ids": ["a"], "deadline_ms": -Infinity}', 422),
        (b'{"query": "a", "job_ids": ["a"], "deadline_ms": true}', 422),
        (b'{"query": "a", "job_ids": ["a"], "deadline_ms": "500"}', 422),
        (b'{"query": "a", "job_ids": ["a"], "sort": 1}', 422),
        (b'{"query": "a", "job_ids": ["a"], "sort": ' + b"[" * 4_000 + b"]" * 4_000 + b"}", 400),
        (b'{"query": "\xff\xfe", "job_ids": ["a"]}', 400),
        (b'{"query": "a", "job_ids": ["a"], "x": ' + b"1" * 5_000 + b"}", 400),
        (b"", 422),
    ],
    ids=["twice", "same-id", "inf", "-inf", "true", "text", "one", "deep", "utf-8", "digits", "empty"],
)
async def test_odd_bodies_leave_the_connection_usable(address: str, body: bytes, status: int):
    """The answer of its kind; the next request on the same connection is answered as ever."""
    async with _Caller(address) as caller:
        await caller.send(_post(body))
        assert (await caller.answer())[0] == status
        await caller.send(_post())
        assert (await caller.answer())[0] == 200


async def test_a_slow_head_behind_a_request_is_cut(address: str):
    """Without an answer, which could be taken for that of the request before it."""
    async with _Caller(address) as caller:
        await caller.send(_post())
        assert (await caller.answer())[0] == 200
        await caller.send(b"POST /v1/score HT")
        assert await caller.is_closed()


async def test_a_body_that_goes_on_after_the_answer_is_cut(address: str, caplog):
    """A probe takes no body and answers at once; what still comes is not read for ever, and is no error of ours."""
    async with _Caller(address) as caller:
        await caller.send(b"GET /livez HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n")
        assert (await caller.answer())[0] == 200
        await caller.send(b"1\r\nb\r\n")
        assert await caller.is_closed()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_pipelined_requests_are_answered_in_turn(address: str):
    """A bad one between two good ones."""
    async with _Caller(address) as caller:
        await caller.send(_post() + _post(b"{") + _post())
        assert [(await caller.answer())[0] for _ in range(3)] == [200, 400, 200]


async def test_a_caller_who_leaves_is_no_error(address: str):
    """In the middle of head and body; the scorer answers others."""
    for part in (b"POST /v1/sc", _post(length=500), _CHUNKED + b"5\r\nab"):
        async with _Caller(address) as caller:
            await caller.send(part)
    async with _Caller(address) as caller:
        await caller.send(_post())
        assert (await caller.answer())[0] == 200


def _num_open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


async def _misbehave(address: str, num_requests: int, start: int) -> None:
    """As many bad requests of all kinds, each with a path, an id and a name of its own."""
    for number in range(start, start + num_requests):
        requests = [
            _post(b"{"),
            _post(json.dumps({f"field{number}": "x" * 5_000}).encode()),
            _post(path=f"/nothing/{number}"),
            _post(length=10**9),
            _CHUNKED + b"zz\r\n",
            f"GET /v1/summaries/nobody{number} HTTP/1.1\r\nhost: x\r\n\r\n".encode(),
            f"BREW{number} /v1/score HTTP/1.1\r\nhost: x\r\n\r\n".encode(),
            b"\x00" * 100 + b"\r\n\r\n",
        ]
        async with _Caller(address) as caller:
            await caller.send(requests[number % len(requests)])
            status, _ = await caller.answer()
            assert 400 <= status < 500


async def test_bad_requests_leave_nothing_behind(address: str):
    """After 2,000 of them the process has as many open files as before, and as much memory."""
    num_files = _num_open_files()
    await _misbehave(address, 1_000, 0)  # caches of all kinds fill
    gc.collect()
    resident_mib = _resident_mib()
    await _misbehave(address, 2_000, 1_000)
    gc.collect()
    await until(lambda: _num_open_files() <= num_files, "the last connections ended")
    assert _resident_mib() - resident_mib < 4  # 2 KiB each
