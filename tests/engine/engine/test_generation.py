"""Completions against transformers' generate, and what sequences of one batch must not do to each other."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from models.engine.config import Limits
from models.engine.decoding import DecodeBatch
from models.engine.errors import ClientGone, DeadlineExceeded, NumericalFault
from models.engine.generate_lane import GenerateLane
from models.engine.jobs import Completion, GenerateJob, StopConditions
from models.engine.layers import Model
from models.engine.sampling import Sampling
from models.engine.sequence_cache import SequenceCache
from models.engine.telemetry import Telemetry
from tests.engine.engine.checkpoints import EOS_ID, reference_completion, reference_logits
from tests.engine.engine.conftest import SHAPES

VOCABULARY = 211


class Clock:
    """Time that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def random_prompts(seed: int, count: int, *, longest: int = 60) -> list[list[int]]:
    rng = random.Random(seed)
    return [[rng.randrange(VOCABULARY) for _ in range(rng.randint(1, longest))] for _ in range(count)]


def lane_over(model: Model, clock: Clock | None = None, *, kv_cache_tokens: int = 4096, **limits: int) -> GenerateLane:
    return GenerateLane(
        model,
        limits=Limits(**limits),
        kv_cache_tokens=kv_cache_tokens,
        decode=lambda ids: "".join(chr(ord("a") + token % 26) for token in ids),
        clock=clock or Clock(),
        telemetry=Telemetry(lambda: 0.0),
    )


def job_for(
    prompts: list[list[int]],
    *,
    max_tokens: int = 20,
    sampling: Sampling | None = None,
    stop: StopConditions | None = None,
    deadline: float | None = None,
) -> GenerateJob:
    return GenerateJob(
        prompts=prompts,
        max_tokens=max_tokens,
        sampling=sampling or Sampling(),
        stop=StopConditions(frozenset({EOS_ID})) if stop is None else stop,
        num_tokens=0,
        submitted_at=0.0,
        deadline=deadline,
    )


def finish(lane: GenerateLane) -> None:
    while lane.has_work:
        lane.step()


def complete(lane: GenerateLane, job: GenerateJob) -> list[Completion]:
    lane.submit(job)
    finish(lane)
    return job.done.result(timeout=0)


@pytest.mark.parametrize("name", SHAPES)
def test_greedy_tokens_equal_transformers_alone(loaded: Callable, name: str) -> None:
    """Claim: a prompt completed alone gets the tokens of generate(do_sample=False), eos included."""
    model, reference = loaded(name)
    for prompt in random_prompts(1, 4):
        [result] = complete(lane_over(model), job_for([prompt]))
        assert result.token_ids == reference_completion(reference, prompt, 20)


@pytest.mark.parametrize("name", ["gqa2", "llama"])
@pytest.mark.parametrize("seed", range(3))
def test_greedy_tokens_equal_transformers_in_a_changing_batch(loaded: Callable, name: str, seed: int) -> None:
    """Claim: the tokens are the same when prompts of any length are prefilled in chunks, join and leave in between.

    Room for few sequences and few tokens, so that prompts wait, rows move, and the cache is reallocated.
    """
    model, reference = loaded(name)
    rng = random.Random(seed)
    prompts = random_prompts(seed, 14, longest=120)
    lane = lane_over(model, kv_cache_tokens=700, max_running=4, prefill_chunk_tokens=rng.choice([7, 32, 200]))
    jobs = [job_for([prompt], max_tokens=rng.randint(1, 25)) for prompt in prompts]
    for job in jobs:
        lane.submit(job)
        for _ in range(rng.randint(0, 3)):
            lane.step()
    finish(lane)
    for prompt, job in zip(prompts, jobs, strict=True):
        assert job.done.result(timeout=0)[0].token_ids == reference_completion(reference, prompt, job.max_tokens)


def test_prompts_of_one_request_are_answered_in_their_order(loaded: Callable) -> None:
    """Claim: results stand in the order of the prompts, though they finish in another."""
    model, reference = loaded("gqa3")
    prompts = random_prompts(2, 9)
    results = complete(lane_over(model, max_running=3), job_for(prompts))
    assert [result.token_ids for result in results] == [reference_completion(reference, p, 20) for p in prompts]


def test_length_and_stop_token_end_a_completion(loaded: Callable) -> None:
    """Claim: the token limit ends with ``length``; a stop token ends with ``stop`` and is part of the tokens."""
    model, _ = loaded("gqa2")
    prompt = [3, 4, 5]
    [free] = complete(lane_over(model), job_for([prompt], max_tokens=8, stop=StopConditions()))
    assert (free.finish_reason, free.stop_reason, len(free.token_ids)) == ("length", None, 8)
    stopper = next(token for token in free.token_ids if token != free.token_ids[0])
    [stopped] = complete(lane_over(model), job_for([prompt], stop=StopConditions(frozenset({stopper}))))
    assert (stopped.finish_reason, stopped.stop_reason) == ("stop", stopper)
    assert stopped.token_ids == free.token_ids[: free.token_ids.index(stopper) + 1]


def test_the_first_stop_string_in_the_text_ends_a_completion(loaded: Callable) -> None:
    """Claim: decoding stops with the token that completes a stop string."""
    model, _ = loaded("gqa2")
    [free] = complete(lane_over(model), job_for([[3, 4, 5]], max_tokens=8, stop=StopConditions()))
    text = "".join(chr(ord("a") + token % 26) for token in free.token_ids)
    wanted = text[3:5]
    [stopped] = complete(lane_over(model), job_for([[3, 4, 5]], stop=StopConditions(strings=("#", wanted))))
    assert (stopped.finish_reason, stopped.stop_reason) == ("stop", wanted)
    assert len(stopped.token_ids) == text.index(wanted) + 2


def test_a_seed_gives_the_same_tokens_in_any_company(loaded: Callable) -> None:
    """Claim: sampling depends on the seed and the prompt, not on the batch; another seed gives other tokens."""
    model, _ = loaded("gqa2")
    prompt = [7, 8, 9]

    def sampled(seed: int) -> GenerateJob:
        return job_for([prompt], sampling=Sampling(temperature=1.0, top_p=0.9, seed=seed), stop=StopConditions())

    [alone] = complete(lane_over(model), sampled(1))
    lane, job = lane_over(model), sampled(1)
    lane.submit(job_for(random_prompts(3, 3)))
    lane.submit(job)
    finish(lane)
    assert job.done.result(timeout=0)[0].token_ids == alone.token_ids
    assert complete(lane_over(model), sampled(2))[0].token_ids != alone.token_ids


def test_logprobs_are_those_of_transformers(loaded: Callable) -> None:
    """Claim: reported log-probabilities are over the full vocabulary, for the chosen and the most likely tokens."""
    model, reference = loaded("gqa2")
    [result] = complete(lane_over(model), job_for([[3, 4, 5]], max_tokens=4, sampling=Sampling(num_logprobs=3)))
    for at, entry in enumerate(result.logprobs):
        want = reference_logits(reference, [3, 4, 5, *result.token_ids[:at]]).log_softmax(-1)
        values, ids = want.topk(3)
        assert entry.chosen == pytest.approx(float(want[result.token_ids[at]]), abs=1e-5)
        assert [token for token, _ in entry.top] == ids.tolist()
        assert [value for _, value in entry.top] == pytest.approx(values.tolist(), abs=1e-5)


def test_a_long_prompt_does_not_hold_up_running_sequences(loaded: Callable) -> None:
    """Claim: while a long prompt is prefilled in chunks, every step still decodes a token of what runs."""
    model, _ = loaded("gqa2")
    lane = lane_over(model, prefill_chunk_tokens=16)
    running = job_for([[1, 2]], max_tokens=8, stop=StopConditions())
    lane.submit(running)
    lane.step()
    lane.submit(job_for([[5] * 200]))
    num_steps = 0
    while not running.done.done():
        lane.step()
        num_steps += 1
    assert num_steps == 6  # the first step gave two tokens: one with the prefill, one decoded


@pytest.mark.parametrize(
    ("prompt_lengths", "steps"),
    [((200,), [13]), ((16,), [1]), ((8, 8), [1, 1]), ((10, 10), [1, 2]), ((40, 4), [3, 3])],
)
def test_prefill_per_step_is_bounded(loaded: Callable, prompt_lengths: tuple[int, ...], steps: list[int]) -> None:
    """Claim: a step prefills at most the chunk; a prompt is cut only where it is longer than a whole chunk."""
    lane = lane_over(loaded("gqa2")[0], prefill_chunk_tokens=16)
    jobs = [job_for([[5] * length], max_tokens=1) for length in prompt_lengths]
    for job in jobs:
        lane.submit(job)
    done_after = dict.fromkeys(range(len(jobs)), 0)
    num_steps = 0
    while lane.has_work:
        lane.step()
        num_steps += 1
        done_after.update({i: num_steps for i, job in enumerate(jobs) if job.done.done() and not done_after[i]})
    assert list(done_after.values()) == steps


def test_a_sequence_joins_the_running_batch(loaded: Callable) -> None:
    """Claim: batching is continuous: a later request shares decode steps with an earlier one."""
    model, _ = loaded("gqa2")
    lane = lane_over(model)
    first, second = (job_for([[1, 2]], max_tokens=10, stop=StopConditions()) for _ in range(2))
    lane.submit(first)
    for _ in range(3):
        lane.step()
    lane.submit(second)
    num_steps = 3
    while lane.has_work:
        lane.step()
        num_steps += 1
    assert num_steps == 3 + 9  # alone each takes nine steps; one after the other they would take eighteen
    assert first.done.result(timeout=0)[0].token_ids == second.done.result(timeout=0)[0].token_ids


def test_an_abandoned_job_leaves_and_the_others_go_on(loaded: Callable) -> None:
    """Claim: what a gone client asked for is dropped, waiting or running, and disturbs nobody's tokens."""
    model, reference = loaded("gqa2")
    lane = lane_over(model, max_running=3)
    gone, kept, never_started = job_for(random_prompts(4, 2)), job_for([[9, 8, 7]]), job_for([[6, 6]])
    for job in (gone, kept, never_started):
        lane.submit(job)
    lane.step()
    gone.is_abandoned = never_started.is_abandoned = True
    finish(lane)
    assert isinstance(gone.done.exception(timeout=0), ClientGone)
    assert kept.done.result(timeout=0)[0].token_ids == reference_completion(reference, [9, 8, 7], 20)


def test_expired_work_is_not_started(loaded: Callable) -> None:
    """Claim: a job whose deadline has passed while it waited is answered without a pass."""
    model, _ = loaded("gqa2")
    clock = Clock()
    lane, job = lane_over(model, clock), job_for([[1, 2]], deadline=5.0)
    lane.submit(job)
    clock.now = 5.0
    finish(lane)
    assert isinstance(job.done.exception(timeout=0), DeadlineExceeded)
    assert job.started_at is None


def test_a_row_is_clean_for_its_next_sequence(loaded: Callable) -> None:
    """Claim: NaN left in a row by one sequence cannot reach the next, though masked NaN is still NaN."""
    model, _ = loaded("gqa2")
    batch, poisoned, healthy = DecodeBatch(model, 4096), SequenceCache(model, 40), SequenceCache(model, 3)
    poisoned.extend([5] * 40, is_end=True)
    poisoned.values_LKSD.fill_(torch.nan)
    healthy.extend([1, 2, 3], is_end=True)
    batch.join(healthy, 64)
    batch.join(poisoned, 64)
    assert [bool(torch.isfinite(row).all()) for row in batch.step([4, 4])] == [True, False]
    batch.leave(1)
    batch.join(healthy, 64)
    assert torch.isfinite(batch.step([4, 4])).all()
    batch.join(poisoned, 64)
    batch.leave(0)  # the poisoned row, the last, takes its place
    batch.leave(0)
    batch.join(healthy, 64)
    assert torch.isfinite(batch.step([4] * batch.num_sequences)).all()


def test_nan_fails_its_own_request_only(loaded: Callable) -> None:
    """Claim: logits that are not numbers fail that request; those beside and after it get their tokens."""
    model, reference = loaded("gqa2")
    poisoned = torch.clone(model.embedding_VE)
    poisoned[200] = torch.nan
    broken_model = replace_embedding(model, poisoned)
    lane = lane_over(broken_model, max_running=2)
    healthy, broken, later = job_for([[9, 8, 7]]), job_for([[5] * 30 + [200]]), job_for([[4, 4]])
    for job in (healthy, broken, later):
        lane.submit(job)
    finish(lane)
    assert isinstance(broken.done.exception(timeout=0), NumericalFault)
    for job, prompt in ((healthy, [9, 8, 7]), (later, [4, 4])):
        assert job.done.result(timeout=0)[0].token_ids == reference_completion(reference, prompt, 20)


def replace_embedding(model: Model, embedding: torch.Tensor) -> Model:
    """The model with another embedding; the head keeps the old one."""
    return replace(model, embedding_VE=embedding)
