"""The engine as a process on the GPU, over HTTP, by the canaries of the shipped bundles."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tokenizers import Tokenizer

from tests.engine.gpu.conftest import BUNDLES

pytestmark = pytest.mark.gpu

ROOT = Path(__file__).parents[3]
READY_WITHIN_S = 120
RANKER, SUMMARIZER = "ranker-tiny", "summarizer-tiny"


def manifest(bundle: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((BUNDLES / bundle / "precis.json").read_text())
    return found


@contextmanager
def running(bundle: str) -> Iterator[httpx.Client]:
    """A process that serves the bundle on the GPU in float32, ready; SIGTERM ends it in order."""
    role = manifest(bundle)["role"]
    options = ["--bundle", str(BUNDLES / bundle), "--role", role, "--device", "cuda", "--port", "0"]
    command = [sys.executable, "-m", "models.engine", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[2]
            with httpx.Client(base_url=url, timeout=60) as client:
                give_up_s = time.monotonic() + READY_WITHIN_S
                while client.get("/health").status_code != httpx.codes.OK:
                    assert process.poll() is None, "it ended: its log says why"
                    assert time.monotonic() < give_up_s, "it is not ready yet"
                    time.sleep(0.2)
                assert client.get("/info").json()["device"] == "cuda"
                yield client
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()


def test_the_rankers_canaries_pass_from_many_callers_at_once() -> None:
    """Claim: requests that share passes get the reference's scores, each its own, and again."""
    canaries, labels = manifest(RANKER)["canaries"], manifest(RANKER)["label_token_ids"]

    with running(RANKER) as client:

        def score(canary: dict[str, Any]) -> float:
            body = {"query": canary["query_ids"], "items": [canary["item_ids"]], "label_token_ids": labels}
            answer = client.post("/v1/score", json=body | {"apply_softmax": True})
            assert answer.status_code == httpx.codes.OK, answer.text
            return float(answer.json()["scores"][0][0])

        with ThreadPoolExecutor(8) as callers:
            scores = list(callers.map(score, canaries * 10))
    assert scores == pytest.approx([canary["score"] for canary in canaries * 10], abs=1e-4)


def test_the_summarizers_canaries_pass_from_many_callers_at_once() -> None:
    """Claim: sequences that join and leave the batch of a running service become the reference's texts."""
    canaries = manifest(SUMMARIZER)["canaries"]

    with running(SUMMARIZER) as client:

        def complete(canary: dict[str, Any]) -> str:
            body = {"prompt": canary["prompt_ids"], "max_tokens": len(canary["output_ids"]), "temperature": 0}
            answer = client.post("/v1/completions", json=body)
            assert answer.status_code == httpx.codes.OK, answer.text
            return str(answer.json()["choices"][0]["text"])

        with ThreadPoolExecutor(8) as callers:
            texts = list(callers.map(complete, canaries * 3))
    tokenizer = Tokenizer.from_file(str(BUNDLES / SUMMARIZER / "tokenizer.json"))
    assert texts == [tokenizer.decode(canary["output_ids"], skip_special_tokens=True) for canary in canaries * 3]
