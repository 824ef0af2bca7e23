"""`precis engine run` with every engine, the shipped bundles and the real servers."""

import json
import os
import select
import shutil
import signal
from pathlib import Path

import httpx
import pytest

from tests.integration.ops.engine.running import members, serving, watch

BUNDLES = Path(__file__).parents[4] / "models" / "bundles"
vllm, sglang = pytest.mark.vllm, pytest.mark.sglang
SERVERS = [
    pytest.param("local", "ranker"),
    pytest.param("local", "summarizer"),
    pytest.param("vllm", "summarizer", marks=vllm),
    pytest.param("vllm", "ranker", marks=vllm),
    pytest.param("sglang", "ranker", marks=sglang),
    pytest.param("sglang", "summarizer", marks=sglang),
]


def revision_of(url):
    """What clients read to know which weights answer."""
    info = httpx.get(f"{url}/info", timeout=10)
    if info.is_success and "revision" in info.json():
        return info.json()["revision"]
    return httpx.get(f"{url}/v1/models", timeout=10).json()["data"][0]["id"]


@pytest.mark.parametrize(("engine", "role"), SERVERS)
def test_an_engine_starts_passes_the_canaries_and_leaves_nothing_behind(tmp_path, engine, role):
    """One command: ready means that the bundle's reference answers came back over HTTP."""
    with serving(tmp_path, engine, BUNDLES / f"{role}-tiny", role) as server:
        assert server.process.poll() is None, server.output
        ready = next(line for line in server.lines if line.startswith("ready "))
        assert "canar" in ready
        url = ready.split()[1]
        assert revision_of(url) in server.output
        assert revision_of(url) not in url
        group = server.group
        assert members(group)
        assert server.end(signal.SIGTERM) == 0, server.output
        assert "stopped" in server.output
    assert members(group) == []


@pytest.mark.parametrize(
    ("engine", "role"), [pytest.param("vllm", "summarizer", marks=vllm), pytest.param("sglang", "ranker", marks=sglang)]
)
def test_a_killed_command_takes_the_workers_with_it(tmp_path, engine, role):
    """Nobody is left to stop them, and they hold gigabytes."""
    with serving(tmp_path, engine, BUNDLES / f"{role}-tiny", role) as server:
        watched = watch(server.group)
        assert len(watched) > 1, server.output
        server.end(signal.SIGKILL)
    for pidfd in watched:
        readable, _, _ = select.select([pidfd], [], [], 30)
        os.close(pidfd)
        assert readable


def test_an_engine_that_fails_a_canary_is_stopped_and_reported(tmp_path):
    """Other weights than the bundle's would answer well-formed nonsense for ever."""
    bundle = shutil.copytree(BUNDLES / "ranker-tiny", tmp_path / "bundle")
    manifest = json.loads((bundle / "precis.json").read_bytes())
    manifest["canaries"][0]["score"] = 1 - manifest["canaries"][0]["score"]
    (bundle / "precis.json").write_text(json.dumps(manifest))
    with serving(tmp_path, "local", bundle, "ranker") as server:
        assert server.process.wait(60) == 1
        assert "drift" in server.output


def test_an_engine_that_cannot_start_shows_the_end_of_its_log(tmp_path):
    """Its own words, where they stand, and the exit status."""
    bundle = shutil.copytree(BUNDLES / "ranker-tiny", tmp_path / "bundle")
    weights = (bundle / "model.safetensors").read_bytes()
    (bundle / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    with serving(tmp_path, "local", bundle, "ranker") as server:
        assert server.process.wait(60) == 1
        assert "before it was ready" in server.output
        assert "model.safetensors" in server.output
        assert ".precis/logs/local-ranker-" in server.output
