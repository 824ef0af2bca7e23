"""Starting and stopping the process: exit codes, messages, signals."""

import json
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import torch
from safetensors.torch import load_file, save_file

from models.bundle import bundle_revision
from models.engine.__main__ import bind, main
from models.engine.checkpoint import open_bundle, revision_of
from tests.engine.engine.checkpoints import edit_config

ROOT = Path(__file__).parents[3]


@pytest.fixture
def copy(checkpoint: Callable[[str], Path], tmp_path: Path) -> Path:
    """A checkpoint that a test may damage."""
    return Path(shutil.copytree(checkpoint("gqa2"), tmp_path / "bundle"))


def start_of(bundle: Path, *options: str) -> list[str]:
    return ["--bundle", str(bundle), "--role", "ranker", "--port", "0", *options]


def without(name: str) -> Callable[[Path], None]:
    def damage(bundle: Path) -> None:
        (bundle / name).unlink()

    return damage


def with_text(name: str, text: str) -> Callable[[Path], None]:
    def damage(bundle: Path) -> None:
        (bundle / name).write_text(text)

    return damage


def without_tensor(bundle: Path) -> None:
    tensors = load_file(bundle / "model.safetensors")
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, bundle / "model.safetensors")


def with_nan(bundle: Path) -> None:
    tensors = load_file(bundle / "model.safetensors")
    tensors["model.norm.weight"][0] = torch.nan
    save_file(tensors, bundle / "model.safetensors")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (without("config.json"), "config.json is missing"),
        (without("model.safetensors"), "model.safetensors is missing"),
        (with_text("config.json", "{"), "config.json cannot be read as JSON"),
        (with_text("model.safetensors", "no tensors"), "model.safetensors cannot be read as safetensors"),
        (with_text("tokenizer.json", "{}"), "tokenizer.json cannot be read as a tokenizer"),
        (with_text("precis.json", '{"role": "summarizer"}'), "role 'summarizer', asked to run as 'ranker'"),
        (lambda bundle: edit_config(bundle, model_type="mistral"), "config.json: model_type 'mistral'"),
        (lambda bundle: edit_config(bundle, attention_bias=True), "attention_bias"),
        (lambda bundle: edit_config(bundle, rope_parameters={"rope_type": "yarn"}), "rope_type 'yarn'"),
        (lambda bundle: edit_config(bundle, use_sliding_window=True), "sliding-window"),
        (lambda bundle: edit_config(bundle, hidden_size="48"), "hidden_size missing or not a whole number"),
        (lambda bundle: edit_config(bundle, intermediate_size=100), "config.json says [100, 48]"),
        (without_tensor, "model.safetensors: tensor 'model.layers.1.mlp.up_proj.weight' is missing"),
        (with_nan, "the weights are broken"),
        (shutil.rmtree, "is not a directory"),
    ],
)
def test_a_bundle_that_cannot_be_used_ends_with_code_2_and_the_file(
    copy: Path, capfd: pytest.CaptureFixture[str], damage: Callable[[Path], None], words: str
) -> None:
    """Claim: whatever is missing or broken is named in one line, and the process does not serve."""
    damage(copy)
    assert main(start_of(copy)) == 2
    last = capfd.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("precis engine cannot start: ")
    assert words in last


def test_a_taken_port_ends_with_code_2_and_the_address(
    checkpoint: Callable[[str], Path], capfd: pytest.CaptureFixture[str]
) -> None:
    """Claim: the address is checked before anything slow, and named."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(start_of(checkpoint("gqa2"), "--port", str(port))) == 2
    assert f"cannot listen on 127.0.0.1:{port}" in capfd.readouterr().err


def test_answers_are_not_held_back_for_acknowledgements() -> None:
    """Claim: Nagle's algorithm is off for what is accepted; with it each answer waits 40 ms for its second packet."""
    with bind("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_with_code_0(checkpoint: Callable[[str], Path], number: signal.Signals) -> None:
    """Claim: the first line is the address; the process serves, and ends cleanly when told to."""
    command = [sys.executable, "-m", "models.engine", *start_of(checkpoint("gqa2"))]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        address = next(word for word in process.stdout.readline().split() if word.startswith("http://"))
        while "engine.load state=ready" not in process.stderr.readline():
            assert process.poll() is None
        body = {"query": [1], "items": [[2]], "label_token_ids": [3, 4], "apply_softmax": True}
        assert httpx.post(f"{address}/v1/score", json=body).status_code == 200
        process.send_signal(number)
        _, log = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in log


def test_running_requests_are_finished_before_the_end(checkpoint: Callable[[str], Path]) -> None:
    """Claim: SIGTERM while a completion runs: it is answered in full, and the process ends with code 0."""
    command = [sys.executable, "-m", "models.engine", *start_of(checkpoint("gqa2"))]
    body = {"prompt": [[1, 2]] * 8, "max_tokens": 250, "temperature": 0, "ignore_eos": True}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        address = next(word for word in process.stdout.readline().split() if word.startswith("http://"))
        while "engine.load state=ready" not in process.stderr.readline():
            assert process.poll() is None
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(httpx.post, f"{address}/v1/completions", json=body, timeout=60)
            while "precis_engine_queue_tokens 0.0" in httpx.get(f"{address}/metrics").text:
                assert not running.done()
            process.send_signal(signal.SIGTERM)
            answer = running.result(timeout=60)
        process.communicate(timeout=30)
    assert process.returncode == 0
    assert answer.json()["usage"]["completion_tokens"] == 8 * 250


def test_the_revision_is_that_of_the_bundle(copy: Path) -> None:
    """Claim: the engine names weights as ``models.bundle`` does, and any changed byte is another revision."""
    (copy / "tokenizer.json").write_text("{}")
    first = revision_of(open_bundle(copy))
    assert first == bundle_revision(copy)
    edit_config(copy, note="changed")
    assert revision_of(open_bundle(copy)) != first
    assert json.loads((copy / "config.json").read_text())["note"] == "changed"
