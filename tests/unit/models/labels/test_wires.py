"""What is sent to the judge and read of it."""

import math

import pytest

from models.labels.judgement import Method
from models.labels.pairs import Pair
from models.labels.prompt import JudgePrompt
from models.labels.wires import Api, Asked, payload_of, read_extra, read_reply
from schemas.errors import BackendProtocolError, ConfigurationError

PAIR = Pair(key="k", place="pairs.jsonl:1", query_id=None, query="nurse", job_id="j", text="Nurse wanted")
PROMPT = JudgePrompt("Grade it.", max_posting_chars=100)
QUESTION = "<query>\nnurse\n</query>\n<posting>\nNurse wanted\n</posting>\nGrade:"


def test_chat_with_token_probabilities():
    """Greedy, with the likeliest tokens; the rubric stands alone in front, so that endpoints can cache it."""
    assert payload_of(Asked(model="m"), PROMPT, PAIR, Method.LOGPROBS) == {
        "model": "m",
        "max_tokens": 4,
        "temperature": 0,
        "messages": [{"role": "system", "content": "Grade it."}, {"role": "user", "content": QUESTION}],
        "logprobs": True,
        "top_logprobs": 20,
    }


def test_completions_with_token_probabilities():
    """One text, and the older form of the field."""
    body = payload_of(Asked(model="m", api=Api.COMPLETIONS, top_logprobs=5), PROMPT, PAIR, Method.LOGPROBS)
    assert body == {
        "model": "m",
        "max_tokens": 4,
        "temperature": 0,
        "prompt": f"Grade it.\n\n{QUESTION}",
        "logprobs": 5,
    }


def test_samples_are_drawn_and_seeded():
    """At a temperature, several at once."""
    body = payload_of(Asked(model="m", temperature=0.7), PROMPT, PAIR, Method.SAMPLES, num_answers=5, seed=2)
    assert (body["n"], body["seed"], body["temperature"]) == (5, 2, 0.7)
    assert "logprobs" not in body


def test_extra_fields_are_added_replaced_and_removed():
    """What endpoints of one maker want."""
    extra = read_extra('{"max_tokens": null, "max_completion_tokens": 9, "temperature": 0.5}')
    body = payload_of(Asked(model="m", extra=extra), PROMPT, PAIR, Method.DIGIT)
    assert "max_tokens" not in body
    assert (body["max_completion_tokens"], body["temperature"]) == (9, 0.5)


@pytest.mark.parametrize(
    ("text", "said"), [("{", "not JSON"), ("[1]", "must be a JSON object"), ('{"stream": true}', "must leave stream")]
)
def test_extra_fields_that_cannot_be_are_refused(text, said):
    """Before anything is sent."""
    with pytest.raises(ConfigurationError, match=said):
        read_extra(text)


def test_a_completion_is_read():
    """As vLLM and the local engine answer: parallel lists."""
    logprobs = {"tokens": [" 3"], "token_logprobs": [-0.2], "top_logprobs": [{" 3": -0.2, " 2": -1.9}]}
    reply = read_reply(
        Api.COMPLETIONS,
        {"choices": [{"text": " 3", "logprobs": logprobs}], "usage": {"prompt_tokens": 7, "completion_tokens": 1}},
    )
    (token,) = reply.tokens
    assert (token.text, token.logprob, dict(token.top)) == (" 3", -0.2, {" 3": -0.2, " 2": -1.9})
    assert (reply.texts, reply.prompt_tokens, reply.completion_tokens) == ((" 3",), 7, 1)


def test_an_answer_without_probabilities_and_usage_is_read():
    """Endpoints leave out both; null is as good as missing."""
    reply = read_reply(Api.CHAT, {"choices": [{"message": {"content": "3"}, "logprobs": None}]})
    assert (reply.texts, reply.tokens, reply.prompt_tokens) == (("3",), (), 0)
    assert read_reply(Api.CHAT, {"choices": [{"message": {"content": None}}]}).texts == ("",)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "choices"),
        ({"choices": []}, "choices"),
        ({"choices": [{"text": "3"}]}, "choices.0.message"),
        (
            {"choices": [{"message": {"content": "3"}, "logprobs": {"content": [{"token": "3"}]}}]},
            "choices.0.logprobs.content.0.logprob",
        ),
    ],
)
def test_an_answer_in_another_form_is_refused(body, field):
    """The field is named."""
    with pytest.raises(BackendProtocolError, match=f"`{field}`"):
        read_reply(Api.CHAT, body)


def test_probabilities_of_the_wire_are_logarithms():
    """Of base e."""
    entry = {"token": "1", "logprob": math.log(0.5), "top_logprobs": [{"token": "1", "logprob": math.log(0.5)}]}
    (token,) = read_reply(
        Api.CHAT, {"choices": [{"message": {"content": "1"}, "logprobs": {"content": [entry]}}]}
    ).tokens
    assert math.exp(token.logprob) == pytest.approx(0.5)
