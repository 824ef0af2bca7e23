"""Asking the processes of a scorer for their rankers."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from ops.runfile import running_stack
from ops.settings import Settings
from schemas.arms import ArmPhase, ArmRole, ArmsView
from schemas.errors import ConfigurationError

__all__ = ["Process", "admin_client", "admin_urls", "fetch_arms"]

_TIMEOUT_S = 5.0
_IN_USE = frozenset({ArmRole.CHAMPION, ArmRole.SUCCESSOR, ArmRole.CHALLENGER, ArmRole.SHADOW})


@dataclass(frozen=True, slots=True)
class Process:
    """One scorer process.

    Attributes:
        url: Of its admin port.
        view: What it shows; None where it did not answer.
        problem: Why not.
    """

    url: str
    view: ArmsView | None = None
    problem: str | None = None

    @property
    def is_as_declared(self) -> bool:
        """Whether the declared champion is in charge and all that should serve or be compared is verified."""
        view = self.view
        if view is None or view.file_problem or view.champion != view.declared_champion:
            return False
        return all(arm.phase is ArmPhase.VERIFIED for arm in view.arms if arm.role in _IN_USE)


def admin_urls(settings: Settings) -> list[str]:
    """Of every worker process: of the running `precis up`, or by the settings.

    Raises:
        ConfigurationError: No stack runs, or the ports are free ones that nobody knows.
    """
    scorer, run = settings.scorer, running_stack(settings)
    first = urlsplit(run.scorer_admin_url if run else f"http://{scorer.admin_host}:{scorer.admin_port}")
    if not first.port:
        raise ConfigurationError("scorer.admin_port is 0, any free port: name the admin addresses with --url")
    return [f"http://{first.hostname}:{first.port + number}" for number in range(scorer.workers)]


def admin_client(key: str = "") -> httpx.AsyncClient:
    """A client for :func:`fetch_arms`; with an API key, where the scorer wants one that has ``is_admin``."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False, headers=headers)


async def fetch_arms(http: httpx.AsyncClient, urls: Sequence[str]) -> list[Process]:
    """Ask all at once, by admin address; one that does not answer is told with its reason."""
    return await asyncio.gather(*(_ask(http, url.rstrip("/")) for url in urls))


async def _ask(http: httpx.AsyncClient, url: str) -> Process:
    try:
        response = await http.get(f"{url}/v1/ranker-arms")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Process(url, problem=f"cannot be reached: {str(error) or type(error).__name__}")
    if not response.is_success:
        return Process(url, problem=f"answered {response.status_code}: {_detail(response)}")
    try:
        return Process(url, ArmsView.model_validate_json(response.content))
    except ValidationError:
        return Process(url, problem="answered in another form: is this the admin port of a scorer?")


def _detail(response: httpx.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return response.reason_phrase
