"""What scorer processes answer, and what else may answer at their ports."""

import io
import json
import os

import httpx
import pytest
from rich.console import Console

from ops.arms.fetch import Process, admin_urls, fetch_arms
from ops.arms.present import arms_fields, arms_page
from ops.runfile import RunFile
from ops.settings import Settings
from schemas.arms import ArmPhase, ArmRole, ArmsView, ArmView
from schemas.errors import ConfigurationError


def arm(name: str, role: ArmRole, phase: ArmPhase, why_not: str | None = None) -> ArmView:
    return ArmView(
        name=name,
        role=role,
        phase=phase,
        why_not=why_not,
        share=float(role is ArmRole.CHAMPION),
        shadow=0.0,
        bundle="ranker-[tiny]",
        bundle_revision="ab12",
        verified_revision=None,
        calls=3,
        tokens_in_flight=700,
    )


def view(*arms: ArmView, champion: str = "one", declared: str = "one", problem: str | None = None) -> ArmsView:
    return ArmsView(
        champion=champion, declared_champion=declared, file="arms.toml", file_problem=problem, arms=list(arms)
    )


ONE = arm("one", ArmRole.CHAMPION, ArmPhase.VERIFIED)
LATE = arm("two", ArmRole.SUCCESSOR, ArmPhase.WARMING, "canary 3: score 0.2 instead of 0.9")


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (view(ONE), True),
        (view(ONE, arm("old", ArmRole.NONE, ArmPhase.DRAINING), arm("s", ArmRole.STANDBY, ArmPhase.WARMING)), True),
        (view(ONE, LATE, declared="two"), False),
        (view(ONE, arm("two", ArmRole.CHALLENGER, ArmPhase.OPENING, "no bundle")), False),
        (view(ONE, arm("two", ArmRole.SHADOW, ArmPhase.WARMING, "canaries")), False),
        (view(ONE, problem="line 3: no such arm"), False),
        (None, False),
    ],
)
def test_as_declared_means_that_all_that_should_serve_does(shown: ArmsView | None, expected: bool) -> None:
    """What stands by or is on its way out changes nothing."""
    assert Process("http://x", shown).is_as_declared is expected


async def asked(handler) -> Process:
    async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as http:
        (process,) = await fetch_arms(http, ["http://scorer:9102/"])
    assert process.url == "http://scorer:9102"
    return process


async def test_the_answer_is_read() -> None:
    """Of the admin port's own path."""

    def handler(request: httpx.Request) -> httpx.Response:
        assert str(request.url) == "http://scorer:9102/v1/ranker-arms"
        return httpx.Response(200, content=view(ONE).model_dump_json())

    assert (await asked(handler)).view == view(ONE)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (
            httpx.Response(401, json={"detail": "this call needs an API key"}),
            "answered 401: this call needs an API key",
        ),
        (httpx.Response(502, text="<html>"), "answered 502: Bad Gateway"),
        (httpx.Response(404, json=["no"]), "answered 404: Not Found"),
        (httpx.Response(200, text="# HELP"), "another form: is this the admin port of a scorer"),
        (httpx.Response(200, json={"champion": "one"}), "another form"),
    ],
)
async def test_another_answer_is_told(answer: httpx.Response, problem: str) -> None:
    """With its reason, and no arms."""
    process = await asked(lambda _: answer)
    assert process.view is None
    assert problem in (process.problem or "")


async def test_a_process_that_is_away_is_told() -> None:
    """The others are shown all the same."""

    def handler(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    assert (await asked(handler)).problem == "cannot be reached: refused"


def test_each_worker_has_a_port_of_its_own(tmp_path) -> None:
    """The first one's and those behind it."""
    kafka = {"bootstrap": "b:9092"}
    settings = Settings(
        profile="external",
        data_dir=tmp_path,
        kafka=kafka,
        summarizer={"url": "http://s"},
        ranker={"url": "http://r"},
        scorer={"admin_port": 9200, "workers": 3},
    )
    assert admin_urls(settings) == [f"http://127.0.0.1:{port}" for port in (9200, 9201, 9202)]
    free = settings.model_copy(update={"scorer": settings.scorer.model_copy(update={"admin_port": 0})})
    with pytest.raises(ConfigurationError, match="--url"):
        admin_urls(free)


@pytest.mark.parametrize("profile", ["embedded", "local-real"])
def test_ports_of_a_running_stack_are_those_of_its_run(tmp_path, profile) -> None:
    """Whatever the settings say of ports: a run chooses free ones where it is told to."""
    run = RunFile(
        pid=os.getpid(),
        bootstrap="127.0.0.1:1",
        log_id="l",
        scorer_url="http://127.0.0.1:2",
        scorer_admin_url="http://127.0.0.1:7000",
        nearline_url="http://127.0.0.1:3",
        summarizer_url="http://127.0.0.1:4",
        ranker_url="http://127.0.0.1:5",
    )
    run.write(tmp_path)
    settings = Settings(data_dir=tmp_path, scorer={"admin_port": 0, "workers": 2})
    if profile == "local-real":
        kafka = settings.kafka.model_copy(update={"bootstrap": run.bootstrap})
        settings = settings.model_copy(update={"profile": profile, "kafka": kafka})
        assert settings.is_local_real
    assert admin_urls(settings) == ["http://127.0.0.1:7000", "http://127.0.0.1:7001"]


def test_without_a_running_stack_it_is_said_what_to_start(tmp_path) -> None:
    """The embedded profile knows its ports from the run."""
    with pytest.raises(ConfigurationError, match="precis up"):
        admin_urls(Settings(data_dir=tmp_path))


def test_people_see_who_is_in_charge_and_what_is_wrong() -> None:
    """Names with brackets are no markup."""
    processes = [
        Process("http://a", view(ONE, LATE, declared="two", problem="line 3")),
        Process("http://b", problem="cannot be reached: refused"),
    ]
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(arms_page(processes))
    said = console.export_text()
    for part in ("one in charge", "two declared but not verified", "line 3", "ranker-[tiny]", "canary 3", "refused"):
        assert part in said
    told = json.loads(json.dumps(arms_fields(processes)))
    assert told["is_as_declared"] is False
    assert [process["problem"] for process in told["processes"]] == [None, "cannot be reached: refused"]
    assert told["processes"][0]["arms"]["arms"][1]["why_not"] == "canary 3: score 0.2 instead of 0.9"
