"""The real engine passes its examination; broken in each way that was met in the field, it fails and is told how."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from tokenizers import Tokenizer

from models.bundle import Bundle
from models.clients.canaries import DEFAULT_TOLERANCE, CanaryReport
from models.clients.examination import examine_ranker
from models.clients.scoring import ScoringClient
from models.clients.transport import EngineTransport, TransportConfig
from schemas.deadline import Deadline
from tests.doubles.http_server import Request, http_server
from tests.integration.engine.defects import DEFECTS, Defect, between


@asynccontextmanager
async def client_of(*urls: str) -> AsyncIterator[ScoringClient]:
    client = ScoringClient(EngineTransport(TransportConfig(base_url=",".join(urls)), backend="ranker"))
    yield client
    await client.close()


async def examine(bundle: Bundle, *urls: str) -> CanaryReport:
    async with client_of(*urls) as client:
        return await examine_ranker(client, bundle, deadline=Deadline.after(60), tolerance=DEFAULT_TOLERANCE)


@pytest.fixture
def broken(ranker_url: str, ranker_bundle: Bundle) -> Callable[[Defect], Callable[[Request], Awaitable[bytes]]]:
    """The engine with a defect in front of it."""
    tokenizer = Tokenizer.from_file(str(ranker_bundle.tokenizer_file))
    return lambda defect: between(ranker_url, tokenizer, defect)


async def test_the_engine_passes(ranker_url: str, ranker_bundle: Bundle) -> None:
    """Its scores are those of transformers, in company, at length and with labels exchanged."""
    report = await examine(ranker_bundle, ranker_url)
    assert report.problems == ()
    assert report.max_drift is not None
    assert report.max_drift < DEFAULT_TOLERANCE / 10
    assert report.engine_revision == ranker_bundle.revision


async def test_what_stands_between_is_no_defect_by_itself(broken, ranker_bundle: Bundle) -> None:
    """The same way without a defect passes: what fails below is the defect."""
    async with http_server(broken(Defect("none"))) as server:
        assert (await examine(ranker_bundle, server.base_url)).problems == ()


@pytest.mark.parametrize("name", DEFECTS)
async def test_each_defect_is_found_and_named(broken, ranker_bundle: Bundle, name: str) -> None:
    """The report has the sentence that leads to it."""
    async with http_server(broken(DEFECTS[name])) as server:
        report = await examine(ranker_bundle, server.base_url)
    assert any(DEFECTS[name].finding in problem for problem in report.problems), report.problems


async def test_the_broken_one_of_two_replicas_is_named(broken, ranker_url: str, ranker_bundle: Bundle) -> None:
    """By its address."""
    async with http_server(broken(DEFECTS["positions"])) as server:
        report = await examine(ranker_bundle, ranker_url, server.base_url)
    assert report.problems
    assert all(problem.startswith(f"{server.base_url}: ") for problem in report.problems)
