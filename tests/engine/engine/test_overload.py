"""What happens when the engine is busy, slow, broken, or its client impatient. Work is held up, not timed."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import torch
from safetensors.torch import load_file, save_file

from models.engine.config import EngineConfig, Limits
from models.engine.errors import ClientGone, RequestError
from models.engine.jobs import Job
from models.engine.worker import Steps
from tests.engine.engine.checkpoints import save_random
from tests.engine.engine.conftest import SHAPES
from tests.engine.engine.serving import PATIENCE_S, Hold, served

SCORE = {"query": [1, 2, 3], "items": [[4, 5], [6]], "label_token_ids": [7, 8], "apply_softmax": True}
SCORE_TOKENS = 6


def config(checkpoint: Callable[[str], Path], **limits: int) -> EngineConfig:
    return EngineConfig(bundle=checkpoint("gqa2"), role="ranker", limits=Limits(**limits))


def test_a_full_queue_is_refused_with_a_time_to_come_back(checkpoint: Callable[[str], Path]) -> None:
    """Claim: tokens over the bound get 429 with Retry-After at once; what was admitted is answered."""
    hold = Hold()
    with served(config(checkpoint, max_queue_tokens=SCORE_TOKENS), hold) as running, ThreadPoolExecutor(1) as pool:
        first = pool.submit(running.client.post, "/v1/score", json=SCORE)
        assert hold.steps is not None
        assert hold.steps.started.wait(PATIENCE_S)
        refused = running.client.post("/v1/score", json=SCORE)
        assert (refused.status_code, refused.json()["error"]["type"]) == (429, "overloaded")
        assert int(refused.headers["retry-after"]) >= 1
        hold.steps.release.set()
        assert first.result(PATIENCE_S).status_code == 200
        assert running.client.post("/v1/score", json=SCORE).status_code == 200


def test_the_http_side_answers_while_the_model_computes(checkpoint: Callable[[str], Path]) -> None:
    """Claim: health and metrics do not wait for torch."""
    hold = Hold()
    with served(config(checkpoint), hold) as running, ThreadPoolExecutor(1) as pool:
        first = pool.submit(running.client.post, "/v1/score", json=SCORE)
        assert hold.steps is not None
        assert hold.steps.started.wait(PATIENCE_S)
        assert running.client.get("/health").status_code == 200
        assert running.metric("precis_engine_queue_tokens") == SCORE_TOKENS
        hold.steps.release.set()
        assert first.result(PATIENCE_S).status_code == 200


def test_a_client_that_left_costs_no_pass(checkpoint: Callable[[str], Path]) -> None:
    """Claim: a request whose connection closes while it waits is dropped, counted, and never computed."""
    hold = Hold()
    with served(config(checkpoint), hold) as running, ThreadPoolExecutor(1) as pool:
        first = pool.submit(running.client.post, "/v1/score", json=SCORE)
        assert hold.steps is not None
        assert hold.steps.started.wait(PATIENCE_S)
        leaving = running.open_request("/v1/score", json.dumps(SCORE).encode())
        running.wait_for("precis_engine_queue_tokens", 2 * SCORE_TOKENS)
        leaving.close()
        running.wait_for("precis_engine_clients_gone_total", 1)
        assert running.metric("precis_engine_queue_tokens") == SCORE_TOKENS
        hold.steps.release.set()
        assert first.result(PATIENCE_S).status_code == 200
        assert running.client.post("/v1/score", json=SCORE).status_code == 200  # queued behind the one that left
        gone = hold.steps.jobs[1]
        assert isinstance(gone.done.exception(PATIENCE_S), ClientGone)
        assert gone.started_at is None


def test_a_spent_deadline_is_answered_and_not_computed(checkpoint: Callable[[str], Path]) -> None:
    """Claim: no time left is 504 at once; a budget that ends while the request waits is 504 without a pass."""
    hold = Hold()
    with served(config(checkpoint), hold) as running, ThreadPoolExecutor(1) as pool:
        spent = running.client.post("/v1/score", json=SCORE, headers={"x-request-deadline-ms": "0"})
        assert spent.status_code == 504
        first = pool.submit(running.client.post, "/v1/score", json=SCORE)
        assert hold.steps is not None
        assert hold.steps.started.wait(PATIENCE_S)
        late = running.client.post("/v1/score", json=SCORE, headers={"x-request-deadline-ms": "20"})
        assert (late.status_code, late.json()["error"]["type"]) == (504, "deadline_exceeded")
        hold.steps.release.set()
        assert first.result(PATIENCE_S).status_code == 200
        assert running.client.post("/v1/score", json=SCORE).status_code == 200  # queued behind the late one
        assert hold.steps.jobs[1].done.exception(PATIENCE_S) is not None
        assert hold.steps.jobs[1].started_at is None


def test_an_unreadable_deadline_is_told(checkpoint: Callable[[str], Path]) -> None:
    """Claim: a header that is not a number is the caller's mistake, not no deadline."""
    with served(config(checkpoint)) as running:
        for text in ("soon", "nan"):
            response = running.client.post("/v1/score", json=SCORE, headers={"x-request-deadline-ms": text})
            assert response.status_code in {400, 504}


def test_nan_is_an_error_500_over_http(tmp_path: Path) -> None:
    """Claim: a score that is not a number is never sent as one, and the engine goes on."""
    path = save_random(tmp_path / "poisoned", SHAPES["mqa_untied"])  # tied, the NaN would be in every logit
    tensors = load_file(path / "model.safetensors")
    tensors["model.embed_tokens.weight"][200] = torch.nan
    save_file(tensors, path / "model.safetensors", metadata={"format": "pt"})
    with served(EngineConfig(bundle=path, role="ranker")) as running:
        broken = running.client.post("/v1/score", json=SCORE | {"items": [[4], [200]]})
        assert (broken.status_code, broken.json()["error"]["type"]) == (500, "numerical_fault")
        generated = running.client.post("/v1/completions", json={"prompt": [200], "temperature": 0})
        assert generated.status_code == 500
        assert running.client.post("/v1/score", json=SCORE).status_code == 200


class FailingOnce:
    """Lanes whose first step raises, as a bug or a lack of memory would."""

    def __init__(self, inner: Steps) -> None:
        self.inner = inner
        self.has_failed = False

    @property
    def has_work(self) -> bool:
        return self.inner.has_work

    def submit(self, job: Job) -> None:
        self.inner.submit(job)

    def step(self) -> None:
        if not self.has_failed:
            self.has_failed = True
            raise MemoryError("no room")
        self.inner.step()

    def fail_all(self, error: RequestError) -> None:
        self.inner.fail_all(error)


@pytest.mark.parametrize("path", ["/v1/score", "/v1/completions"])
def test_a_failed_step_loses_its_requests_and_not_the_engine(checkpoint: Callable[[str], Path], path: str) -> None:
    """Claim: an unforeseen exception is 500 for what was in flight; the next request is served."""
    body = SCORE if path == "/v1/score" else {"prompt": [1, 2], "temperature": 0}
    with served(config(checkpoint), FailingOnce) as running:
        assert running.client.post(path, json=body).status_code == 500
        assert running.client.post(path, json=body).status_code == 200
        assert running.metric("precis_engine_queue_tokens") == 0


def test_a_stopping_engine_is_unready_and_takes_nothing(checkpoint: Callable[[str], Path]) -> None:
    """Claim: once told to stop, health is 503 and requests are refused as retryable."""
    with served(config(checkpoint)) as running:
        running.engine.refuse_new()
        assert running.client.get("/health").status_code == 503
        refused: httpx.Response = running.client.post("/v1/score", json=SCORE)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
