"""The two wire protocols and the facts, over real HTTP."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from models.engine.checkpoint import open_bundle, revision_of
from models.engine.config import EngineConfig, Limits
from tests.engine.engine.checkpoints import load_reference, reference_completion, reference_logits, save_random
from tests.engine.engine.conftest import SHAPES
from tests.engine.engine.serving import Served, served

SCORE = {"query": [1, 2, 3], "items": [[4, 5], [6]], "label_token_ids": [7, 8], "apply_softmax": True}
COMPLETE = {"prompt": [1, 2, 3], "max_tokens": 5, "temperature": 0, "return_token_ids": True}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random checkpoint with a tokenizer that gives each byte-level letter its own token."""
    path = save_random(tmp_path_factory.mktemp("served") / "tiny", SHAPES["gqa2"], seed=11)
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: index for index, letter in enumerate(letters[:211])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save(str(path / "tokenizer.json"))
    return path


@pytest.fixture(scope="module")
def server(bundle: Path) -> Iterator[Served]:
    """One server for the tests that do not disturb it."""
    limits = Limits(max_items=50, max_body_bytes=20_000, max_queue_tokens=1_000)
    with served(EngineConfig(bundle=bundle, role="ranker", limits=limits)) as running:
        yield running


def message(response: httpx.Response) -> str:
    return response.json()["error"]["message"]


def test_scores_over_http_equal_transformers(server: Served, bundle: Path) -> None:
    """Claim: /v1/score answers in SGLang's form with the scores of transformers, tokens counted as there."""
    response = server.client.post("/v1/score", json=SCORE)
    answer, reference = response.json(), load_reference(bundle)
    want = torch.stack([reference_logits(reference, [1, 2, 3, *item]) for item in SCORE["items"]])
    torch.testing.assert_close(torch.tensor(answer["scores"]), want[:, [7, 8]].softmax(-1), atol=1e-5, rtol=0)
    assert (answer["object"], answer["model"]) == ("scoring", "tiny")
    assert answer["usage"] == {"prompt_tokens": 9, "completion_tokens": 0, "total_tokens": 9, "computed_tokens": 6}


def test_item_first_and_empty_parts_score_the_joined_prompt(server: Served, bundle: Path) -> None:
    """Claim: the prompt is query and item joined in the asked order, an empty query or item included."""
    reference = load_reference(bundle)

    def want(*prompts: list[int]) -> torch.Tensor:
        return torch.stack([reference_logits(reference, prompt) for prompt in prompts])[:, [7, 8]].softmax(-1)

    for change, prompts in (
        ({"item_first": True}, ([4, 5, 1, 2, 3], [6, 1, 2, 3])),
        ({"query": []}, ([4, 5], [6])),
        ({"items": [[], [6]]}, ([1, 2, 3], [1, 2, 3, 6])),
        ({"items": [[]], "query": [9]}, ([9],)),
    ):
        got = server.client.post("/v1/score", json=SCORE | change).json()["scores"]
        torch.testing.assert_close(torch.tensor(got), want(*prompts), atol=1e-5, rtol=0)


def test_no_items_are_an_empty_answer(server: Served) -> None:
    """Claim: ``items: []`` is 200 with no scores, as in SGLang."""
    response = server.client.post("/v1/score", json=SCORE | {"items": []})
    assert (response.status_code, response.json()["scores"]) == (200, [])


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"label_token_ids": [7, 211]}, 400, "label_token_ids holds token 211, outside the vocabulary 0..210"),
        ({"label_token_ids": []}, 400, "label_token_ids is empty"),
        ({"query": [-1]}, 400, "query holds token -1"),
        ({"items": [[1], [999]]}, 400, "items[1] holds token 999"),
        ({"items": [[1] * 254]}, 400, "items[0]: 257 tokens are over the context of 256"),
        ({"query": [], "items": [[]]}, 400, "no token"),
        ({"items": [[1]] * 51}, 400, "over the limit of 50"),
        ({"items": [[1] * 200] * 6}, 400, "over the queue's 1000"),
        ({"query": "text"}, 422, "query: Input should be a valid array"),
        ({"query": [1.5]}, 422, "query[0]"),
        ({"items": [[True]]}, 422, "items[0][0]"),
        ({"label_token_ids": None}, 422, "label_token_ids"),
        ({"item_embed_overrides": [1]}, 422, "item_embed_overrides[0]"),
        ({"score_extraction_token": "x"}, 400, "score_extraction_token is not supported"),
        ({"query": [1] * 10_000}, 413, "over 20000 bytes"),
    ],
)
def test_a_wrong_scoring_request_is_told_what_is_wrong(server: Served, change: dict, status: int, words: str) -> None:
    """Claim: each mistake gets a 4xx that names the field and the limit, and no score."""
    response = server.client.post("/v1/score", json=SCORE | change)
    assert response.status_code == status
    assert words in message(response)


PLACEHOLDER = {"embed_override_token_id": 0}
VECTOR = [0.5] * 48


def test_embedding_overrides_in_sglangs_form_score_as_the_tokens_do(server: Served, bundle: Path) -> None:
    """Claim: placeholders in query and items take the vectors in order; null leaves an item as it is."""
    table = load_file(bundle / "model.safetensors")["model.embed_tokens.weight"].tolist()
    overridden = {
        "query": [1, 0, 3],
        "items": [[0, 0], [6]],
        "query_embed_overrides": [table[2]],
        "item_embed_overrides": [[table[4], table[5]], None],
    }
    want = server.client.post("/v1/score", json=SCORE).json()["scores"]
    response = server.client.post("/v1/score", json=SCORE | PLACEHOLDER | overridden)
    assert response.status_code == 200
    torch.testing.assert_close(torch.tensor(response.json()["scores"]), torch.tensor(want), atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"item_embed_overrides": [[VECTOR], None], "embed_override_token_id": None}, 400, "embed_override_token_id"),
        ({"item_embed_overrides": [[VECTOR]]}, 400, "item_embed_overrides has 1 entries for 2 items"),
        ({"item_embed_overrides": [[VECTOR, VECTOR], None]}, 400, "items[0] holds token 4 1 times"),
        (
            {"item_embed_overrides": [[[0.5]], None]},
            400,
            "item_embed_overrides[0][0] has 1 numbers, the model needs 48",
        ),
        ({"query_embed_overrides": [VECTOR]}, 400, "query holds token 4 0 times"),
        ({"item_embed_overrides": [[VECTOR], None], "item_first": True}, 400, "item_first"),
        ({"item_embed_overrides": [None, None], "embed_override_token_id": 211}, 400, "outside the vocabulary"),
        ({"item_embed_overrides": [[["x"] * 48], None]}, 422, "item_embed_overrides[0][0][0]"),
    ],
)
def test_wrong_embedding_overrides_are_told(server: Served, change: dict, status: int, words: str) -> None:
    """Claim: SGLang's rules hold, and what breaks them is named."""
    response = server.client.post("/v1/score", json=SCORE | {"embed_override_token_id": 4} | change)
    assert response.status_code == status
    assert words in message(response)


def test_missing_fields_and_broken_json_are_told(server: Served) -> None:
    """Claim: a body that is not the protocol's gets 400 or 422."""
    missing = server.client.post("/v1/score", json={"query": [1]})
    assert (missing.status_code, message(missing)) == (
        422,
        "items: Field required; label_token_ids: Field required",
    )
    broken = server.client.post("/v1/score", content=b"{")
    assert (broken.status_code, message(broken)) == (400, "the body is not valid JSON")


def test_completions_over_http_equal_transformers(server: Served, bundle: Path) -> None:
    """Claim: /v1/completions answers in OpenAI's form with the greedy tokens of transformers, for a batch too."""
    reference = load_reference(bundle)
    prompts = [[1, 2, 3], [50, 60]]
    answer = server.client.post("/v1/completions", json=COMPLETE | {"prompt": prompts}).json()
    assert [choice["token_ids"] for choice in answer["choices"]] == [
        reference_completion(reference, prompt, 5) for prompt in prompts
    ]
    assert [choice["index"] for choice in answer["choices"]] == [0, 1]
    num_new = sum(len(choice["token_ids"]) for choice in answer["choices"])
    assert answer["usage"] == {"prompt_tokens": 5, "completion_tokens": num_new, "total_tokens": 5 + num_new}


def test_a_text_prompt_is_tokenised_and_its_completion_is_text(server: Served, bundle: Path) -> None:
    """Claim: text in, text out; a stop string is cut off and named."""
    tokenizer = Tokenizer.from_file(str(bundle / "tokenizer.json"))
    request = COMPLETE | {"prompt": "abc", "ignore_eos": True, "max_tokens": 8}
    [choice] = server.client.post("/v1/completions", json=request).json()["choices"]
    assert choice["prompt_token_ids"] == tokenizer.encode("abc").ids
    assert choice["text"] == tokenizer.decode(choice["token_ids"])
    letter = next(letter for letter in choice["text"] if letter.isascii())
    [stopped] = server.client.post("/v1/completions", json=request | {"stop": letter}).json()["choices"]
    assert (stopped["finish_reason"], stopped["stop_reason"]) == ("stop", letter)
    assert stopped["text"] == choice["text"].split(letter)[0]


def test_logprobs_have_openais_form(server: Served) -> None:
    """Claim: parallel lists of one entry a token, keys by token id where asked for."""
    request = COMPLETE | {"logprobs": 2, "return_tokens_as_token_ids": True}
    [choice] = server.client.post("/v1/completions", json=request).json()["choices"]
    logprobs = choice["logprobs"]
    assert logprobs["tokens"] == [f"token_id:{token}" for token in choice["token_ids"]]
    for name, value, top in zip(logprobs["tokens"], logprobs["token_logprobs"], logprobs["top_logprobs"], strict=True):
        assert top[name] == value == max(top.values())
        assert len(top) == 2


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"stream": True}, 400, "stream is not supported"),
        ({"n": 2}, 400, "n is not supported by this engine other than 1"),
        ({"echo": True}, 400, "echo"),
        ({"max_tokens": 254}, 400, "over the context of 256"),
        ({"max_tokens": 0}, 422, "max_tokens"),
        ({"prompt": []}, 400, "prompt is empty"),
        ({"prompt": [[1], []]}, 400, "prompt[1] has no token"),
        ({"prompt": [211]}, 400, "prompt[0] holds token 211"),
        ({"prompt": [1, True]}, 422, "prompt: must be a list of token ids"),
        ({"temperature": -1}, 422, "temperature"),
        ({"top_p": 0}, 422, "top_p"),
        ({"stop": [""]}, 400, "empty string"),
        ({"stop_token_ids": [300]}, 400, "stop_token_ids holds token 300"),
    ],
)
def test_a_wrong_completion_request_is_told_what_is_wrong(
    server: Served, change: dict, status: int, words: str
) -> None:
    """Claim: what the engine cannot do is refused and named, never ignored."""
    response = server.client.post("/v1/completions", json=COMPLETE | change)
    assert response.status_code == status
    assert words in message(response)


def test_neutral_fields_of_other_servers_are_accepted(server: Served) -> None:
    """Claim: a client written for vLLM may send its defaults."""
    extra = {"n": 1, "stream": False, "echo": None, "top_k": -1, "presence_penalty": 0.0, "user": "anyone"}
    assert server.client.post("/v1/completions", json=COMPLETE | extra).status_code == 200


def test_every_answer_names_the_revision(server: Served, bundle: Path) -> None:
    """Claim: body and header carry the hash of the weights that computed the answer."""
    revision = revision_of(open_bundle(bundle))
    for path, body in (("/v1/score", SCORE), ("/v1/completions", COMPLETE)):
        response = server.client.post(path, json=body)
        assert response.json()["system_fingerprint"] == response.headers["x-precis-revision"] == revision
    assert server.client.get("/info").json()["revision"] == revision


def test_facts_are_served(server: Served) -> None:
    """Claim: health, models, info and metrics answer once the engine is ready."""
    assert server.client.get("/health").status_code == 200
    [model] = server.client.get("/v1/models").json()["data"]
    assert (model["id"], model["max_model_len"]) == ("tiny", 256)
    info = server.client.get("/info").json()
    assert (info["role"], info["bundle"], info["dtype"], info["parameters"]) == ("ranker", "tiny", "float32", 100_416)
    before = server.metric("precis_engine_items_total")
    server.client.post("/v1/score", json=SCORE)
    assert server.metric("precis_engine_items_total") == before + 2


def test_many_clients_at_once_get_the_answers_of_one(server: Served) -> None:
    """Claim: concurrent requests share batches and still get the tokens they would get alone."""
    prompts = [[index, index + 1, index + 2] for index in range(10, 34)]
    bodies = [json.dumps(COMPLETE | {"prompt": prompt}).encode() for prompt in prompts]
    alone = [server.client.post("/v1/completions", content=body).json()["choices"] for body in bodies]
    with ThreadPoolExecutor(12) as pool:
        together = list(pool.map(lambda body: server.client.post("/v1/completions", content=body).json(), bodies))
    assert [answer["choices"] for answer in together] == alone
