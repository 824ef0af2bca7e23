"""A double of SGLang 0.5.23 started with ``--enable-mis``, on the wire: the real one needs a GPU and FlashInfer.

What it takes from SGLang's source: ``/server_info`` says the mode and the bound; a request becomes one sequence, query,
delimiter, item, delimiter, ..., delimiter; one that reaches the bound is refused whole with 400; ``usage`` counts its
tokens. What it does not show: kernels, speed, batches. The score of an item is that of the lexical ranker, over the
tokens that the mask lets its last token see.
"""

from typing import Any

from schemas.deadline import Deadline
from tests.doubles.engines import LexicalRanker
from tests.doubles.http_server import Request, answer

__all__ = ["PackingSglang"]

_DELIMITER = 9_999


class PackingSglang:
    """Handler of an ``http_server``.

    Attributes:
        max_req_input_len: As in ``/server_info``: longer and equal sequences are refused.
        is_packing: Whether it was started so; a test may restart it.
        lets_items_see_each_other: A broken mask: an item sees all that stands before it.
        sequences: Every sequence that was computed.
        calls: The items of every request.
    """

    def __init__(self, *, max_req_input_len: int = 4_090, max_prefill_tokens: int = 16_384) -> None:
        self.max_req_input_len = max_req_input_len
        self.max_prefill_tokens = max_prefill_tokens
        self.is_packing = True
        self.lets_items_see_each_other = False
        self.sequences: list[list[int]] = []
        self.calls: list[list[list[int]]] = []

    async def __call__(self, request: Request) -> bytes:
        """The answer."""
        match request.path:
            case "/v1/models":
                length = self.max_req_input_len + 6
                return answer({"data": [{"id": "packing-double", "owned_by": "sglang", "max_model_len": length}]})
            case "/server_info":
                return answer(
                    {
                        "enable_mis": self.is_packing,
                        "max_req_input_len": self.max_req_input_len,
                        "max_prefill_tokens": self.max_prefill_tokens,
                    }
                )
            case "/v1/score":
                return await self._score(request.body)
        return answer({"detail": "Not Found"}, status=404)

    async def _score(self, body: dict[str, Any]) -> bytes:
        query, items = body["query"], body["items"]
        self.calls.append(items)
        made = [self._packed(query, items)] if self.is_packing else [[*query, *item] for item in items]
        if max(map(len, made)) >= self.max_req_input_len:
            message = f"Input length exceeds the maximum allowed length ({self.max_req_input_len - 1} tokens)."
            return answer({"object": "error", "message": message, "code": 400}, status=400)
        self.sequences += made
        seen = [[token for item in items[: index + 1] for token in item] for index in range(len(items))]
        if not (self.is_packing and self.lets_items_see_each_other):
            seen = items
        scored = await LexicalRanker().score(
            query, seen, label_token_ids=body["label_token_ids"], deadline=Deadline.after(60)
        )
        usage = {"prompt_tokens": sum(map(len, made))}
        return answer({"scores": [[value, 1 - value] for value in scored.values], "usage": usage, "object": "scoring"})

    @staticmethod
    def _packed(query: list[int], items: list[list[int]]) -> list[int]:
        return [*query, _DELIMITER, *(token for item in items for token in (*item, _DELIMITER))]
