"""`precis stack` as a user runs it: in the background, found again, mended, stopped."""

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

from ops.local_real import Stack
from ops.services import create_topics
from ops.settings import load_settings
from store.couchbase import CouchbaseConfig, CouchbaseStore
from tests.doubles.documents import summary_document
from tests.integration.stream.kafka import publish

pytestmark = pytest.mark.java

PRECIS = Path(sys.executable).parent / "precis"
_POLL_S = 0.02


class StackCommand:
    """`precis stack` in a working directory of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data_dir = folder / ".precis"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PRECIS_")}  # noqa: TID251 (a child of this machine's shell)
        caches = {name: value for name, value in os.environ.items() if name == "PRECIS_ENV_CACHE"}  # noqa: TID251 (as above)
        self.environment = inherited | caches

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [PRECIS, "stack", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )

    def addresses(self) -> dict[str, Any]:
        """What the profile local-real is told."""
        settings: dict[str, Any] = json.loads((self.data_dir / "stack.json").read_text())["settings"]
        return settings

    def interrupted_up(self) -> "subprocess.Popen[str]":
        """`up`, interrupted by Ctrl-C when its first part has been started."""
        process = subprocess.Popen(
            [PRECIS, "stack", "up"], cwd=self.folder, env=self.environment, stderr=subprocess.PIPE, text=True
        )
        deadline_s = time.monotonic() + 60
        while not (self.data_dir / "stack" / "kafka-0.pid").exists():
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline_s
            time.sleep(_POLL_S)
        process.send_signal(signal.SIGINT)
        return process


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[StackCommand]:
    """A stack in an empty folder; whatever the test leaves running is stopped."""
    command = StackCommand(tmp_path)
    yield command
    Stack(command.data_dir).down()


async def _store_holds_a_document(url: dict[str, str], *, write: bool) -> bool:
    config = CouchbaseConfig(
        connection_string=url["url"], username=url["username"], password=url["password"], bucket=url["bucket"]
    )
    store = await CouchbaseStore.open(config)
    try:
        if write:
            await store.put(summary_document("kept"), cas=None)
        return await store.get("kept") is not None
    finally:
        await store.close()


async def _num_updates(bootstrap: str) -> int:
    consumer = AIOKafkaConsumer("job-updates", bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        return sum((await consumer.end_offsets(consumer.assignment())).values())
    finally:
        await consumer.stop()


def test_the_stack_is_started_mended_and_stopped_without_losing_anything(stack: StackCommand) -> None:
    """Up, a killed part, up again, down, up once more.

    Topics and collections are there from the first, a second `up` starts only what does not run, and data, ports and
    identity are kept through all of it.
    """
    said = stack.run("up").stderr
    assert [line.split()[:2] for line in said.splitlines()[:2]] == [["started", "kafka-0"], ["started", "kv-stand-in"]]
    assert "not Couchbase" in said
    settings = stack.addresses()
    bootstrap, store = settings["kafka"]["bootstrap"], settings["store"]["couchbase"]
    asyncio.run(publish(bootstrap, [(b"job-1", b"a record")]))
    assert asyncio.run(_store_holds_a_document(store, write=True))
    chosen = load_settings(profile="local-real", data_dir=stack.data_dir)
    assert not any(asyncio.run(create_topics(chosen)).values()), "all topics exist"

    broker, standin = Stack(stack.data_dir).status()
    assert (broker.state, standin.state, broker.record.address) == ("running", "running", bootstrap)
    assert broker.pid is not None
    _kill(broker.pid)
    assert Stack(stack.data_dir).status()[0].state == "stopped"
    assert Stack(stack.data_dir).up(None, on_step=_ignore) == {"kafka-0": "started", "kv-stand-in": "running"}
    assert Stack(stack.data_dir).status()[1] == standin
    assert Stack(stack.data_dir).up(1, on_step=_ignore) == {"kafka-0": "running", "kv-stand-in": "running"}

    assert Stack(stack.data_dir).down() == []
    assert [(part.state, part.pid) for part in Stack(stack.data_dir).status()] == [("stopped", None)] * 2
    assert not (stack.data_dir / "stack.json").exists()
    Stack(stack.data_dir).up(None, on_step=_ignore)
    assert stack.addresses() == settings
    assert asyncio.run(_num_updates(bootstrap)) == 1
    assert asyncio.run(_store_holds_a_document(store, write=False))
    status = json.loads(stack.run("status", "--json").stdout)
    assert (status["running"], status["parts"][0]["address"]) == (True, bootstrap)


def _kill(pid: int) -> None:
    handle = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        assert select.select([handle], [], [], 30)[0], "readable once the process has ended"
    finally:
        os.close(handle)


def _processes_of(data_dir: Path) -> list[str]:
    """Command lines that name the directory; those of ended processes are empty."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it ended meanwhile
            found.append(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [line for line in found if str(data_dir) in line]


def _ignore(step: str) -> None:
    del step


def test_ctrl_c_stops_what_up_has_started(stack: StackCommand) -> None:
    """No daemon is left behind, nothing claims to run, and the next `up` works."""
    process = stack.interrupted_up()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert {part.pid for part in Stack(stack.data_dir).status()} == {None}
    assert _processes_of(stack.data_dir) == []
    assert not (stack.data_dir / "stack.json").exists()
