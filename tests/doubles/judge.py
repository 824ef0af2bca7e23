"""A judge behind an OpenAI-compatible endpoint: answers as told, on a real socket (``tests.doubles.http_server``)."""

import math
from collections.abc import Awaitable, Callable, Mapping

from tests.doubles.http_server import Handler, Request, answer

__all__ = ["chat_answer", "judge_by"]


def chat_answer(
    text: str, top: Mapping[str, float] | None = None, *, texts: tuple[str, ...] = (), before: tuple[str, ...] = ()
) -> bytes:
    """An answer of ``/v1/chat/completions``.

    Args:
        text: Of the first choice; with ``top`` it is its last token.
        top: Token -> probability at the place of that token; None: no probabilities are told.
        texts: Of further choices.
        before: Tokens in front of it, each certain.
    """
    content = None
    if top is not None:
        tops = [{"token": token, "logprob": math.log(share)} for token, share in top.items()]
        sure = [
            {"token": token, "logprob": 0.0, "top_logprobs": [{"token": token, "logprob": 0.0}]} for token in before
        ]
        content = [*sure, {"token": text, "logprob": math.log(top[text]), "top_logprobs": tops}]
    first = {
        "index": 0,
        "message": {"role": "assistant", "content": "".join(before) + text},
        "logprobs": None if content is None else {"content": content},
        "finish_reason": "stop",
    }
    others = [
        {"index": place, "message": {"role": "assistant", "content": other}, "finish_reason": "stop"}
        for place, other in enumerate(texts, start=1)
    ]
    usage = {"prompt_tokens": 100, "completion_tokens": 2, "total_tokens": 102}
    return answer({"object": "chat.completion", "model": "judge", "choices": [first, *others], "usage": usage})


def judge_by(
    grade: Callable[[str], int], *, before_answer: Callable[[Request], Awaitable[bytes | None]] | None = None
) -> Handler:
    """Grades each question by a rule on its text, 0.8 of the probability on that grade and the rest beside it.

    Args:
        grade: Question -> 0 to 4.
        before_answer: Looks at a request first; what it returns is the answer instead.
    """

    async def respond(request: Request) -> bytes | None:
        if before_answer is not None and (instead := await before_answer(request)) is not None:
            return instead
        chosen = grade(request.body["messages"][1]["content"])
        beside = chosen - 1 if chosen else 1
        return chat_answer(str(chosen), {str(chosen): 0.8, str(beside): 0.2})

    return respond
