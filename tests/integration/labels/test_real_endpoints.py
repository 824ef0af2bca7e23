"""The judge's wire on a real server: the local engine with the shipped summarizer, which was never taught to grade."""

import math
from collections.abc import Iterator

import pytest

from models.bundle import Bundle, Role, load_bundle
from models.labels.endpoint import Endpoint, EndpointConfig
from models.labels.judgement import Method
from models.labels.pairs import Pair
from models.labels.prompt import JudgePrompt
from models.labels.wires import Api, Asked, payload_of, read_reply
from ops.engine.launch import EngineName
from ops.settings import load_settings
from schemas.errors import ConfigurationError
from tests.integration.engine.servers import served

PAIR = Pair("k", "pairs.jsonl:1", None, "night nurse", "j", "Registered nurse, nights, Leeds.")
PROMPT = JudgePrompt("Grade the posting for the query from 0 to 4.", max_posting_chars=500)


@pytest.fixture(scope="module")
def judge_bundle() -> Bundle:
    """The shipped summarizer."""
    return load_bundle(load_settings().summarizer.bundle, Role.SUMMARIZER)


@pytest.fixture(scope="module")
def local_url(judge_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    try:
        with served(EngineName.LOCAL, judge_bundle, tmp_path_factory.mktemp("local") / "engine.log") as url:
            yield url
    except ConfigurationError as error:
        pytest.skip(str(error))


async def asked(url: str, api: Api, model: str) -> None:
    """One pair, and what is true of every answer with token probabilities."""
    endpoint = Endpoint(EndpointConfig(url=url))
    payload = payload_of(Asked(model=model, api=api, top_logprobs=10), PROMPT, PAIR, Method.LOGPROBS)
    reply = read_reply(api, await endpoint.post(api.path, payload))
    await endpoint.close()
    assert len(reply.tokens) == reply.completion_tokens == 4
    assert "".join(token.text for token in reply.tokens).strip() == reply.texts[0].strip()
    assert reply.prompt_tokens > 20
    for token in reply.tokens:
        assert len(token.top) >= 10
        assert sum(map(math.exp, token.top.values())) <= 1 + 1e-4
        assert token.logprob == pytest.approx(max(token.top.values()), abs=1e-4)  # greedily chosen


async def test_the_local_engine_answers_completions(local_url: str, judge_bundle: Bundle) -> None:
    """It has no chat route: a model that was trained here has no chat template."""
    await asked(local_url, Api.COMPLETIONS, judge_bundle.manifest.name)
