"""One engine: its life (loading, ready, failed, stopping), its thread, and the way of a job through it."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from models.engine.admission import TokenGate
from models.engine.answers import Answerer
from models.engine.backend import choose_backend
from models.engine.checkpoint import open_bundle, read_tokenizer, revision_of
from models.engine.errors import BundleError, DeadlineExceeded, NotReady, NumericalFault, RequestError
from models.engine.generate_lane import GenerateLane
from models.engine.intake import Intake
from models.engine.jobs import GenerateJob, Job, Prompt, ScoreJob, StopConditions
from models.engine.lanes import Lanes
from models.engine.rerank import Reranker, read_reranker
from models.engine.sampling import Sampling
from models.engine.score_lane import ScoreLane
from models.engine.telemetry import Telemetry
from models.engine.weights import load_model
from models.engine.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.engine.checkpoint import Bundle
    from models.engine.config import EngineConfig
    from models.engine.layers import Model
    from models.engine.worker import Steps

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_MIB = 1 << 20
_WARM_UP_TOKENS = 8


class State(StrEnum):
    """Where an engine is in its life."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What exists once the weights are in memory."""

    intake: Intake
    answerer: Answerer
    reranker: Reranker | None
    """For text; None where the bundle does not say how to render it."""
    device: str
    num_parameters: int
    kv_cache_tokens: int
    max_batch_tokens: int


class Engine:
    """Runs one bundle. ``start`` and ``run`` belong to the HTTP loop; the computing happens on the worker's thread."""

    def __init__(self, config: EngineConfig, bundle: Bundle, *, wrap: Callable[[Steps], Steps] | None = None) -> None:
        """Build the parts; nothing is loaded yet.

        Args:
            config: Settings.
            bundle: Its small files, already checked.
            wrap: Put around the lanes once they are warm; tests hold work up with it.
        """
        self.config = config
        self.bundle = bundle
        self.telemetry = Telemetry(time.monotonic)
        self.gate = TokenGate(config.limits.max_queue_tokens, self.telemetry.queue_tokens.set)
        self.state = State.LOADING
        self._loaded: Loaded | None = None
        self.settled: Future[None] = Future()
        """Resolves when loading has ended, well or not."""
        self.failure: str | None = None
        """Why loading failed; None while it has not."""
        self._wrap = wrap
        self._worker = Worker(self._load)

    @property
    def served_name(self) -> str:
        """Model name in answers."""
        return self.config.served_name or self.bundle.name

    @property
    def is_ready(self) -> bool:
        """Requests are taken."""
        return self.state is State.READY and self._worker.is_alive

    def start(self) -> None:
        """Begin to load, in the background."""
        self._worker.start()

    def loaded(self) -> Loaded:
        """Facts about the loaded model.

        Raises:
            NotReady: Loading, failed or stopping.
        """
        if self._loaded is None or not self.is_ready:
            raise NotReady(f"the engine is {self.state}")
        return self._loaded

    def loaded_revision(self) -> str:
        """Revision of the weights; empty until they are loaded."""
        return self._loaded.answerer.revision if self._loaded else ""

    def refuse_new(self) -> None:
        """Take no request from now on; running ones go on."""
        self.state = State.STOPPING
        self.telemetry.is_ready.set(0)

    def stop(self) -> None:
        """End the thread; what still runs is given up."""
        self.refuse_new()
        self._worker.stop(self.config.drain_s)

    async def run(self, job: Job, done: Future[_T]) -> _T:
        """Queue a job and wait for its result, at most until its deadline.

        The job is dropped when the deadline passes or when this call is cancelled.

        Raises:
            RequestError: Whatever became of the job.
        """
        with self.gate.hold(job.num_tokens):
            self._worker.submit(job)
            timeout_s = None if job.deadline is None else max(0.0, job.deadline - time.monotonic())
            waiting = asyncio.wrap_future(done)
            waiting.add_done_callback(_mark_retrieved)
            try:
                await asyncio.wait([waiting], timeout=timeout_s)
                if not waiting.done():
                    raise DeadlineExceeded("the request's deadline passed before the work was done")
                result = waiting.result()
            finally:
                job.is_abandoned = True
            if job.started_at is not None:
                self.gate.observe(job.num_tokens, time.monotonic() - job.started_at)
            return result

    def info(self) -> dict[str, Any]:
        """What /info answers, from the moment the process listens."""
        shape, limits, loaded = self.bundle.shape, self.config.limits, self._loaded
        return {
            "engine": "precis-local",
            "state": self.state,
            "bundle": self.bundle.name,
            "model": self.served_name,
            "role": self.config.role,
            "revision": loaded and loaded.answerer.revision,
            "dtype": self.config.dtype,
            "weights": self.config.weights,
            "device": loaded and loaded.device,
            "threads": self.config.threads,
            "parameters": loaded and loaded.num_parameters,
            "vocabulary": shape.vocab_size,
            "context_tokens": loaded.intake.context_tokens if loaded else shape.context_tokens,
            "limits": {
                "max_batch_tokens": loaded and loaded.max_batch_tokens,
                "prefill_chunk_tokens": limits.prefill_chunk_tokens,
                "max_queue_tokens": limits.max_queue_tokens,
                "max_running": limits.max_running,
                "max_items": limits.max_items,
                "max_body_bytes": limits.max_body_bytes,
                "kv_cache_tokens": loaded and loaded.kv_cache_tokens,
            },
        }

    def _load(self) -> Steps | None:
        """On the engine's thread: read the weights, warm up, become ready. None: ``failure`` says why not."""
        started = time.monotonic()
        try:
            lanes = self._load_and_warm()
            return self._wrap(lanes) if self._wrap else lanes
        except Exception as exc:  # noqa: BLE001 - whatever it is, the process must end with a message
            self.state = State.FAILED
            self.failure = str(exc) if isinstance(exc, BundleError) else f"loading failed: {exc!r}"
            return None
        finally:
            _log.info("engine.load state=%s seconds=%.2f", self.state, time.monotonic() - started)
            self.settled.set_result(None)

    def _load_and_warm(self) -> Lanes:
        config, limits = self.config, self.config.limits
        torch.set_num_threads(config.threads)
        device = choose_device(config.device)
        tokenizer = read_tokenizer(self.bundle)
        max_batch_tokens = limits.batch_tokens(device.type)
        backend = choose_backend(
            load_model(
                self.bundle, device=device, dtype=getattr(torch, config.dtype), is_int8=config.weights == "int8"
            ),
            max_rows=max_batch_tokens,
            kernels=config.kernels,
        )
        model = backend.model
        kv_cache_tokens = _kv_cache_tokens(model, limits.kv_cache_mib)
        context = min(limits.max_context or model.shape.context_tokens, model.shape.context_tokens, kv_cache_tokens)
        clock, telemetry = time.monotonic, self.telemetry
        lanes = Lanes(
            ScoreLane(
                model,
                max_batch_tokens=max_batch_tokens,
                clock=clock,
                telemetry=telemetry,
                encode=backend.encode_pass,
            ),
            GenerateLane(
                model,
                limits=limits,
                kv_cache_tokens=kv_cache_tokens,
                decode=tokenizer.decode if tokenizer else None,
                new_batch=backend.new_decode_batch,
                clock=clock,
                telemetry=telemetry,
            ),
        )
        _warm_up(lanes, model, context)
        self._loaded = Loaded(
            intake=Intake(
                vocab_size=model.shape.vocab_size,
                hidden_size=model.shape.hidden_size,
                context_tokens=context,
                max_items=limits.max_items,
                eos_token_ids=model.shape.eos_token_ids,
                tokenizer=tokenizer,
            ),
            answerer=Answerer(model=self.served_name, revision=revision_of(self.bundle), tokenizer=tokenizer),
            reranker=read_reranker(self.bundle),
            device=str(device),
            num_parameters=model.shape.num_parameters,
            kv_cache_tokens=kv_cache_tokens,
            max_batch_tokens=max_batch_tokens,
        )
        if self.state is State.LOADING:
            self.state = State.READY
            telemetry.is_ready.set(1)
        return lanes


def _mark_retrieved(future: asyncio.Future[Any]) -> None:
    """Look at the outcome once, so that asyncio does not complain about a job that was given up."""
    if not future.cancelled():
        future.exception()


def open_engine(config: EngineConfig, *, wrap: Callable[[Steps], Steps] | None = None) -> Engine:
    """Check the bundle's small files and build an engine for it.

    Raises:
        BundleError: A file is missing or broken, or the bundle has another role.
    """
    bundle = open_bundle(config.bundle)
    if bundle.role is not None and bundle.role != config.role:
        raise BundleError(f"{bundle.path / 'precis.json'}: role {bundle.role!r}, asked to run as {config.role!r}")
    return Engine(config, bundle, wrap=wrap)


def choose_device(name: str) -> torch.device:
    """The device for ``auto``, ``cpu`` or ``cuda``.

    Raises:
        BundleError: CUDA was asked for and torch finds none.
    """
    has_cuda = torch.cuda.is_available()
    if name == "cuda" and not has_cuda:
        raise BundleError("device 'cuda' was asked for and torch finds none; use --device cpu")
    return torch.device("cuda" if has_cuda and name != "cpu" else "cpu")


def _kv_cache_tokens(model: Model, mib: int) -> int:
    return max(1, mib * _MIB // (model.shape.kv_values_per_token * model.dtype.itemsize))


def _warm_up(lanes: Lanes, model: Model, context: int) -> None:
    """Go once through every kind of pass, so that no request pays for the first use of a kernel.

    Raises:
        BundleError: The model gives no finite numbers.
    """
    now = time.monotonic()
    ids = [token % model.shape.vocab_size for token in range(min(_WARM_UP_TOKENS, max(1, context // 2 - 1)))]
    score = ScoreJob(
        prefix=Prompt(tuple(ids)),
        items=[Prompt(tuple(ids)), Prompt(tuple(ids[:1]))],
        label_token_ids=(0,),
        is_softmax_over_labels=True,
        num_tokens=0,
        submitted_at=now,
    )
    generate = GenerateJob(
        prompts=[ids], max_tokens=2, sampling=Sampling(), stop=StopConditions(), num_tokens=0, submitted_at=now
    )
    lanes.submit(score)
    lanes.submit(generate)
    while lanes.has_work:
        lanes.step()
    try:
        score.done.result()
        generate.done.result()
    except RequestError as exc:
        broken = isinstance(exc, NumericalFault)
        raise BundleError(
            f"the model's first pass failed: {exc}" + (": the weights are broken" if broken else "")
        ) from exc
