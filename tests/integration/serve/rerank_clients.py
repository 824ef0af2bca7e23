"""Calls a running scorer through a client of another maker; ``test_rerank_clients.py`` runs it in their environment.

    .engines/rerank_clients/bin/python rerank_clients.py CLIENT BASE_URL < calls.json

Reads a list of calls, each the keyword arguments of the client's own method, and prints a list of what came of each:
``{"answer": ...}``, or the client's exception as ``{"error": class, "status": ..., "body": ...}``.
"""

import json
import sys
from typing import Any

import cohere
from cohere.core import ApiError

# The clients insist on both; the scorer has neither.
_KEY = "any"
_MODEL = "rerank-v3.5"


def _cohere_v1(base_url: str, call: dict[str, Any]) -> Any:
    return cohere.Client(_KEY, base_url=base_url).rerank(**call).dict()


def _cohere_v2(base_url: str, call: dict[str, Any]) -> Any:
    return cohere.ClientV2(_KEY, base_url=base_url).rerank(model=_MODEL, **call).dict()


def _langchain(base_url: str, call: dict[str, Any]) -> Any:
    from langchain_cohere import CohereRerank  # noqa: PLC0415 - seconds to load

    return CohereRerank(cohere_api_key=_KEY, base_url=base_url, model=_MODEL).rerank(**call)


def _langchain_compressor(base_url: str, call: dict[str, Any]) -> Any:
    from langchain_cohere import CohereRerank  # noqa: PLC0415 - as above
    from langchain_core.documents import Document  # noqa: PLC0415 - as above

    compressor = CohereRerank(cohere_api_key=_KEY, base_url=base_url, model=_MODEL, top_n=call["top_n"])
    documents = [Document(text, metadata={"place": place}) for place, text in enumerate(call["documents"])]
    return [
        {"text": document.page_content, **document.metadata}
        for document in compressor.compress_documents(documents, call["query"])
    ]


def _llama_index(base_url: str, call: dict[str, Any]) -> Any:
    from llama_index.core.schema import NodeWithScore, TextNode  # noqa: PLC0415 - as above
    from llama_index.postprocessor.cohere_rerank import CohereRerank  # noqa: PLC0415 - as above

    reranker = CohereRerank(api_key=_KEY, base_url=base_url, model=_MODEL, top_n=call["top_n"])
    nodes = [NodeWithScore(node=TextNode(text=text)) for text in call["documents"]]
    found = reranker.postprocess_nodes(nodes, query_str=call["query"])
    return [{"text": node.get_content(), "score": node.score} for node in found]


_CLIENTS = {
    "cohere_v1": _cohere_v1,
    "cohere_v2": _cohere_v2,
    "langchain": _langchain,
    "langchain_compressor": _langchain_compressor,
    "llama_index": _llama_index,
}


def _outcome(client: str, base_url: str, call: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"answer": _CLIENTS[client](base_url, call)}
    except ApiError as error:
        return {"error": type(error).__name__, "status": error.status_code, "body": error.body}


if __name__ == "__main__":
    _, name, address = sys.argv
    print(json.dumps([_outcome(name, address, call) for call in json.load(sys.stdin)]))  # noqa: T201 - its answer
