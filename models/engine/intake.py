"""Turns a wire request into a job: the checks that need the model's numbers. Pure; no tensors, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from models.engine.errors import InvalidRequest
from models.engine.jobs import GenerateJob, Prompt, ScoreJob, StopConditions
from models.engine.protocol import NEUTRAL_VALUES
from models.engine.sampling import Sampling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel
    from tokenizers import Tokenizer

    from models.engine.protocol import CompletionRequest, ScoreRequest


@dataclass(frozen=True, slots=True)
class Intake:
    """Facts about the loaded model that a request is checked against."""

    vocab_size: int
    hidden_size: int
    """Numbers of one input embedding."""
    context_tokens: int
    """Tokens of one prompt with its completion."""
    max_items: int
    eos_token_ids: tuple[int, ...]
    tokenizer: Tokenizer | None
    """For text prompts and stop strings; None where the bundle has none."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """When a request came and how long it may take."""

    at: float
    """Monotonic seconds."""
    deadline: float | None
    """Monotonic seconds; None has no deadline."""


def score_job(request: ScoreRequest, intake: Intake, arrival: Arrival) -> ScoreJob:
    """Check a scoring request and make its job.

    An empty query or an empty item is meaningful (the prompt is the other one); only a prompt without any token is not.

    Raises:
        InvalidRequest: The message names the field, the value and the limit.
    """
    refuse_unknown_fields(request)
    check_count("items", len(request.items), intake)
    if not request.label_token_ids:
        raise InvalidRequest("label_token_ids is empty: name at least one token to score")
    _check_ids("label_token_ids", request.label_token_ids, intake)
    _check_ids("query", request.query, intake)
    for index, item in enumerate(request.items):
        _check_ids(f"items[{index}]", item, intake)
        _check_length(f"query and items[{index}]", len(request.query) + len(item), intake)
    prefix, items = _split_prompts(request, intake)
    return ScoreJob(
        prefix=prefix,
        items=items,
        label_token_ids=tuple(request.label_token_ids),
        is_softmax_over_labels=request.apply_softmax,
        wants_logprobs=request.return_token_logprobs,
        num_tokens=len(prefix) + sum(map(len, items)),
        submitted_at=arrival.at,
        deadline=arrival.deadline,
    )


def _split_prompts(request: ScoreRequest, intake: Intake) -> tuple[Prompt, list[Prompt]]:
    """What is shared, and what each prompt adds: at least one token each."""
    if request.has_overrides:
        return _with_overrides(request, intake)
    query, items = tuple(request.query), [tuple(item) for item in request.items]
    if request.item_first:
        return Prompt(()), [Prompt(item + query) for item in items]
    if all(items):
        return Prompt(query), [Prompt(item) for item in items]
    # Some item is empty, so its prompt ends with the query: the query's last token goes to the items' side.
    return Prompt(query[:-1]), [Prompt(query[-1:] + item) for item in items]


def _with_overrides(request: ScoreRequest, intake: Intake) -> tuple[Prompt, list[Prompt]]:
    """Prompts in which the caller's vectors stand for the occurrences of one token, by SGLang's rules."""
    token = request.embed_override_token_id
    if token is None:
        raise InvalidRequest("embed_override_token_id is missing: it says which token the overrides replace")
    _check_ids("embed_override_token_id", [token], intake)
    if request.item_first:
        raise InvalidRequest("item_first cannot be combined with embedding overrides: put the query first")
    if not all(request.items):
        raise InvalidRequest("an item is empty, which cannot be combined with embedding overrides: leave it out")
    of_items = request.item_embed_overrides
    if of_items is None:
        of_items = [None] * len(request.items)
    if len(of_items) != len(request.items):
        raise InvalidRequest(f"item_embed_overrides has {len(of_items)} entries for {len(request.items)} items")
    query = _overridden("query", "query_embed_overrides", request.query, request.query_embed_overrides, token, intake)
    return query, [
        _overridden(f"items[{index}]", f"item_embed_overrides[{index}]", item, vectors, token, intake)
        for index, (item, vectors) in enumerate(zip(request.items, of_items, strict=True))
    ]


def _overridden(
    name: str, field: str, ids: list[int], vectors: list[list[float]] | None, token: int, intake: Intake
) -> Prompt:
    if vectors is None:
        return Prompt(tuple(ids))
    places = tuple(place for place, token_id in enumerate(ids) if token_id == token)
    if len(places) != len(vectors):
        raise InvalidRequest(f"{name} holds token {token} {len(places)} times and {field} has {len(vectors)} vectors")
    for number, vector in enumerate(vectors):
        if len(vector) != intake.hidden_size:
            raise InvalidRequest(f"{field}[{number}] has {len(vector)} numbers, the model needs {intake.hidden_size}")
    return Prompt(tuple(ids), places, tuple(map(tuple, vectors)))


def generate_job(request: CompletionRequest, intake: Intake, arrival: Arrival) -> GenerateJob:
    """Check a completion request and make its job.

    Raises:
        InvalidRequest: The message names the field, the value and the limit.
    """
    refuse_unknown_fields(request)
    prompts = _prompt_ids(request.prompt, intake)
    check_count("prompt", len(prompts), intake)
    for index, prompt in enumerate(prompts):
        _check_ids(f"prompt[{index}]", prompt, intake)
        _check_length(f"prompt[{index}]", len(prompt), intake, num_new=request.max_tokens)
    stop_token_ids = request.stop_token_ids or []
    _check_ids("stop_token_ids", stop_token_ids, intake)
    eos = () if request.ignore_eos else intake.eos_token_ids
    return GenerateJob(
        prompts=prompts,
        max_tokens=request.max_tokens,
        sampling=Sampling(
            temperature=request.temperature,
            top_p=request.top_p,
            seed=request.seed,
            num_logprobs=request.logprobs,
        ),
        stop=StopConditions(frozenset(chain(eos, stop_token_ids)), _stop_strings(request.stop, intake)),
        num_tokens=sum(map(len, prompts)) + len(prompts) * request.max_tokens,
        submitted_at=arrival.at,
        deadline=arrival.deadline,
    )


def _prompt_ids(prompt: str | list[int] | list[str] | list[list[int]], intake: Intake) -> list[list[int]]:
    if not prompt:
        raise InvalidRequest("prompt is empty: give at least one token")
    entries = prompt if isinstance(prompt, list) and not isinstance(prompt[0], int) else [prompt]
    return [_encode(entry, intake) if isinstance(entry, str) else entry for entry in entries]


def _encode(text: str, intake: Intake) -> list[int]:
    if intake.tokenizer is None:
        raise InvalidRequest("prompt is text, and this bundle has no tokenizer.json: send token ids")
    ids: list[int] = intake.tokenizer.encode(text).ids
    return ids


def _stop_strings(stop: str | list[str] | None, intake: Intake) -> tuple[str, ...]:
    strings = (stop,) if isinstance(stop, str) else tuple(stop or ())
    if any(not string for string in strings):
        raise InvalidRequest("stop holds an empty string, which every text contains: leave it out")
    if strings and intake.tokenizer is None:
        raise InvalidRequest("stop holds strings, and this bundle has no tokenizer.json: use stop_token_ids")
    return strings


def refuse_unknown_fields(request: BaseModel) -> None:
    """Refuse fields of other servers that would change the answer.

    Raises:
        InvalidRequest: The message names the field.
    """
    for name, value in (request.model_extra or {}).items():
        neutral = NEUTRAL_VALUES.get(name)
        if value is None and neutral is not None:
            continue
        if neutral is None or not (... in neutral or value in neutral):
            raise InvalidRequest(f"{name} is not supported by this engine{_at_neutral(neutral)}: leave it out")


def _at_neutral(neutral: tuple[object, ...] | None) -> str:
    return f" other than {' or '.join(map(repr, neutral))}" if neutral else ""


def check_count(name: str, count: int, intake: Intake) -> None:
    """Refuse more entries than a request may have.

    Raises:
        InvalidRequest: The message names the field and the limit.
    """
    if count > intake.max_items:
        raise InvalidRequest(f"{name} has {count} entries, over the limit of {intake.max_items}: split the request")


def _check_ids(name: str, ids: Sequence[int], intake: Intake) -> None:
    if ids and not (min(ids) >= 0 and max(ids) < intake.vocab_size):
        wrong = next(i for i in ids if not 0 <= i < intake.vocab_size)
        raise InvalidRequest(f"{name} holds token {wrong}, outside the vocabulary 0..{intake.vocab_size - 1}")


def _check_length(name: str, num_tokens: int, intake: Intake, *, num_new: int = 0) -> None:
    if not num_tokens:
        raise InvalidRequest(f"{name} has no token: the model needs at least one")
    if num_tokens + num_new > intake.context_tokens:
        plus = f" and max_tokens {num_new}" if num_new else ""
        raise InvalidRequest(f"{name}: {num_tokens} tokens{plus} are over the context of {intake.context_tokens}")
