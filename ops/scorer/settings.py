"""Settings of the scorer: the section ``scorer`` of ``ops.settings``."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from ops.settings_types import Count, Port, Seconds, Section, Share
from serve.access.keys import ApiKey

__all__ = ["Access", "DepthFloors", "Scorer"]


class DepthFloors(Section):
    """Least share of its candidates that a call of a class may send to the ranker under load."""

    interactive: Share = 0.2
    """Somebody waits for the answer."""
    latency_insensitive: Share = 0.05
    """Only wants its answer before the deadline."""
    refresh: Share = 0.0
    """Work that may as well not be done: the scorer's own on its cache."""


class Access(Section):
    """Who may call the scorer; without keys and file everybody may."""

    keys: tuple[ApiKey, ...] = ()
    """API keys, as `precis key new NAME` prints them."""
    file: Path | None = None
    """TOML file with more of them, read again when it changes."""


class Scorer(Section):
    """The online service."""

    arms_file: Path | None = None
    """Declares several rankers: who is champion, who is on trial (docs/operations.md); followed while it runs. Empty:
    the one of `ranker` serves alone."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Port = 8080
    """Port to listen on; 0 takes a free one."""
    admin_host: str = "127.0.0.1"
    """Address of the admin port: `/metrics` and the calls of operators."""
    admin_port: Port = 9102
    """The admin port of the first worker, the others follow; 0 takes free ones."""
    workers: Count = 1
    """Processes that share `port`. Each enforces its part of `max_tokens_in_flight` and of the keys' rate limits."""
    access: Access = Access()
    tls_cert: Path | None = None
    """PEM file with the certificate chain; with it the scorer speaks HTTPS on `port`."""
    tls_key: Path | None = None
    """PEM file with the certificate's private key."""
    max_tokens_in_flight: Count = 1_048_576
    """Most tokens of all calls being scored: the limit adapts to the time that calls wait, and stays below this,
    which all workers share."""
    depth_floors: DepthFloors = DepthFloors()
    """Floors of the ranking depth by class."""
    pack_tokens: Count = 8_192
    """Largest request to the engine, tokens of its items."""
    max_body_bytes: Count = 1_000_000
    """Largest request body."""
    cache_budget_s: Seconds = 0.005
    """How much longer than the summaries the score cache may take, seconds (`precis up` allows at least 0.05)."""
    canary_tolerance: Annotated[float, Field(gt=0)] = 1e-4
    """Largest accepted difference of a canary's score: 1e-4 for an engine in float32, 0.02 in bfloat16
    (`models/clients/canaries.py` says why)."""
    canary_interval_s: Seconds = 60
    """Between two runs of the ranker's canaries, seconds; two that fail make the service unready."""
