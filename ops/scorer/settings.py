"""Settings of the scorer: the section ``scorer`` of ``ops.settings``."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ops.settings_types import Count, Port, Seconds, Section, Share
from serve.access.keys import ApiKey

__all__ = ["Access", "DepthFloors", "NearCache", "Scorer"]


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


class NearCache(Section):
    """Summaries beside the store, one file a machine, for scoring calls with `consistency: bounded`."""

    enabled: bool = True
    """Whether there is one, where a broker is named; without, those calls are answered strictly."""
    path: Path | None = None
    """Its file, on a local file system; empty: `near-cache.sqlite` in the data directory."""
    max_lag_s: Seconds = 2.0
    """Bound of calls that name none, seconds."""
    max_age_s: Seconds = 302_400
    """A file that was not fed for so long is built anew, seconds: half of the `delete.retention.ms` of
    `topics.summaries`."""

    def file(self, data_dir: Path) -> Path:
        """Where it lies."""
        return self.path or data_dir / "near-cache.sqlite"


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
    """Largest request to the engine, tokens of its items; a slow engine gets smaller ones."""
    max_body_bytes: Count = 1_000_000
    """Largest request body."""
    cache_budget_s: Seconds = 0.005
    """How much longer than the summaries the score cache may take, seconds (`precis up` allows at least 0.05)."""
    cache_soft_share: Annotated[float, Field(gt=0, le=1)] = 0.6
    """Share of its life from which a cached score that is served is scored anew in idle windows; 1: never."""
    shared_flight: Literal["auto", "on", "off"] = "auto"
    """Wait for scores that another process on the same store computes now; `auto`: where `workers` is above 1."""
    canary_tolerance: Annotated[float, Field(gt=0)] = 1e-4
    """Largest accepted difference of a canary's score: 1e-4 for an engine in float32, 0.02 in bfloat16
    (`models/clients/canaries.py` says why)."""
    canary_interval_s: Seconds = 60
    """Between two runs of the ranker's canaries, seconds; two that fail make the service unready."""
    near_cache: NearCache = NearCache()

    @property
    def shares_flights(self) -> bool:
        """What `shared_flight` comes to."""
        return self.shared_flight == "on" or (self.shared_flight == "auto" and self.workers > 1)
