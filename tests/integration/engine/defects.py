"""Ways in which engines have gone wrong in the field, put between a client and a real engine.

Each defect bends what the engine is sent, what it answers, or both. Those that a real server would have inside itself
(a mask, a cache, a kernel) are bent where they show.
"""

import json
import statistics
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
from tokenizers import Tokenizer

from tests.doubles.http_server import Request, answer

__all__ = ["DEFECTS", "Defect", "between"]

Body = dict[str, Any]
CONTEXT_TOKENS = 150


def _same(body: Body, _: Tokenizer) -> Body:
    return body


def _honest(_: Body, result: Body) -> Body:
    return result


def _bare(_: Body, result: Body) -> Body:
    return {name: value for name, value in result.items() if name != "usage"}


@dataclass(frozen=True)
class Defect:
    """One way.

    Attributes:
        finding: Part of the sentence that must be said.
        asked: From the request to what the engine is asked.
        told: From the request and the engine's answer to what the client is told.
    """

    finding: str
    asked: Callable[[Body, Tokenizer], Body] = _same
    told: Callable[[Body, Body], Body] = _honest


def between(url: str, tokenizer: Tokenizer, defect: Defect) -> Callable[[Request], Awaitable[bytes]]:
    """A handler that passes requests on to the engine at the address."""

    async def respond(request: Request) -> bytes:
        async with httpx.AsyncClient(base_url=url, timeout=60) as engine:
            if request.method == "GET":
                reply = await engine.get(request.path)
                return answer(reply.content, status=reply.status_code)
            reply = await engine.post(request.path, json=defect.asked(request.body, tokenizer))
        content = reply.content
        if reply.status_code == httpx.codes.OK:
            content = json.dumps(defect.told(request.body, reply.json())).encode()
        return answer(
            content, status=reply.status_code, x_precis_revision=reply.headers.get("x-precis-revision", "unknown")
        )

    return respond


def _shares(change: Callable[[list[float]], list[float]]) -> Callable[[Body, Body], Body]:
    """Bends the first label's scores of a request."""

    def told(_: Body, result: Body) -> Body:
        scores = change([row[0] for row in result["scores"]])
        return result | {"scores": [[score, 1 - score] for score in scores]}

    return told


def _without_marks(body: Body, tokenizer: Tokenizer) -> Body:
    special = {index for index, token in tokenizer.get_added_tokens_decoder().items() if token.special}

    def bare(ids: list[int]) -> list[int]:
        return [index for index in ids if index not in special]

    return body | {"query": bare(body["query"]), "items": [bare(item) for item in body["items"]]}


def _start_token(body: Body, _: Tokenizer) -> Body:
    return body | {"query": [1, *body["query"]]}


def _joined_text(body: Body, tokenizer: Tokenizer) -> Body:
    """As a server that takes texts: query and item in one string, tokenised anew."""
    bare = _without_marks(body, tokenizer)
    query = tokenizer.decode(bare["query"])
    items = [tokenizer.encode(query + tokenizer.decode(item)).ids for item in bare["items"]]
    return body | {"query": [body["query"][0]], "items": items}


def _own_labels(body: Body, tokenizer: Tokenizer) -> Body:
    """``yes`` and ``no`` without the blank before them, whatever is asked for."""
    return body | {"label_token_ids": [tokenizer.encode(word).ids[-1] for word in ("-yes", "-no")]}


def _next_labels(body: Body, _: Tokenizer) -> Body:
    """The token beside yes; no as asked."""
    yes = max(body["label_token_ids"])
    return body | {"label_token_ids": [label + (label == yes) for label in body["label_token_ids"]]}


def _sorted_labels(body: Body, _: Tokenizer) -> Body:
    return body | {"label_token_ids": sorted(body["label_token_ids"])}


def _cut(body: Body, _: Tokenizer) -> Body:
    room = CONTEXT_TOKENS - len(body["query"])
    return body | {"items": [item[:room] for item in body["items"]]}


def _seeing_earlier(body: Body, _: Tokenizer) -> Body:
    """A causal mask over the whole pack: an item reads those before it."""
    items, before = [], []
    for item in body["items"]:
        items.append([*before, *item])
        before += item[:16]
    return body | {"items": items}


def _first_item_for_all(body: Body, _: Tokenizer) -> Body:
    return body | {"items": [body["items"][0]] * len(body["items"])} if len(body["items"]) > 2 else body


DEFECTS = {
    "template-not-applied": Defect("prompt tokens of", _without_marks),
    "template-not-applied-uncounted": Defect("drift: 8 of 8 scores", _without_marks, _bare),
    "start-token": Defect("adds tokens of its own (a chat template, a start token)", _start_token),
    "start-token-uncounted": Defect("reads other tokens than it is sent", _start_token, _bare),
    "seam": Defect("prompt tokens of", _joined_text),
    "seam-uncounted": Defect("reads other tokens than it is sent", _joined_text, _bare),
    "labels-of-its-own": Defect("wrong label tokens: asked for no before yes", _own_labels),
    "label-beside": Defect("drift: ", _next_labels),
    "labels-sorted": Defect("does not heed label_token_ids", _sorted_labels),
    "cut": Defect("it cuts long prompts in silence", _cut),
    "cut-uncounted": Defect("long input is cut in silence", _cut, _bare),
    "causal-pack": Defect("a score depends on its item's place", _seeing_earlier, _bare),
    "mixed-pack": Defect(
        "the items of a pack influence each other",
        told=_shares(lambda scores: [0.9 * score + 0.1 * statistics.fmean(scores) for score in scores]),
    ),
    "positions": Defect(
        "a score depends on its item's place",
        told=_shares(lambda scores: [0.99**index * score for index, score in enumerate(scores)]),
    ),
    "sorted": Defect("the scores do not come in the order of the items", told=_shares(sorted)),
    "collapsed-pack": Defect("the items of a pack collapse: all 8 score", _first_item_for_all, _bare),
    "constant": Defect("all 8 scores are 0.5", told=_shares(lambda scores: [0.5] * len(scores))),
    "nan": Defect("NaN is not a finite number", told=_shares(lambda scores: [float("nan"), *scores[1:]])),
}
"""Name -> defect."""
