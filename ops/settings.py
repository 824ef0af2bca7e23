"""Settings: `precis.toml`, overridden by `PRECIS_*`. The only module that reads the environment.

With the profile `local-real` the addresses of a running `precis stack up` come last: what is said elsewhere wins.

Nested fields are joined by two underscores: `PRECIS_KAFKA__BOOTSTRAP`. The file is `precis.toml` in the working
directory, or the one that `PRECIS_CONFIG` names. `precis config` prints the effective settings, secrets masked.
"""

import difflib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from ops.nearline_settings import Nearline
from ops.scorer.settings import Scorer
from ops.settings_types import Addresses, Count, Seconds, Section
from schemas.errors import ConfigurationError

__all__ = [
    "PROJECT_ROOT",
    "STACK_FILE",
    "Settings",
    "environment_cache",
    "environment_for",
    "environment_secret",
    "load_settings",
]

PROJECT_ROOT = Path(__file__).resolve().parent.parent
"""Where the packages lie: a checkout, or site-packages."""

STACK_FILE = "stack.json"
"""Name of the run file of `precis stack up`, in the data directory."""

_BUNDLES = PROJECT_ROOT / "models" / "bundles"


class Topics(Section):
    """Names of the topics; `precis topics create` makes them."""

    updates: str = "job-updates"
    """Job-posting updates, key = job id."""
    summaries: str = "job-summaries"
    """Changelog of the summary documents, compacted."""
    dead_letters: str = "job-updates.dlq"
    """Records that can never be processed, with the reason in their headers."""
    backfill: str = "job-updates.backfill"
    """Updates in bulk, processed in what live updates leave."""
    resummarise: str = "job-updates.resummarise"
    """Requests to make stored summaries anew: fallbacks to mend, roll-outs."""
    rollouts: str = "job-rollouts"
    """State of the latest roll-out, compacted; one partition."""
    num_partitions: Count = 4
    """Partitions of `updates`, `backfill`, `resummarise` and `summaries` where this project creates them."""
    replication_factor: Count = 1
    """Copies of each partition where this project creates the topics."""


class Kafka(Section):
    """The broker."""

    bootstrap: str = ""
    """`host:port[,host:port]` of a Kafka 4 cluster; empty: the embedded broker of a running `precis up`."""
    group: str = "precis-nearline"
    """Consumer group of the nearline service."""
    log_id: str = ""
    """Identity of the log that offsets belong to: change it when topics are made anew (embedded: set by `up`)."""
    session_timeout_s: Seconds = 10
    """A worker silent for this long loses its partitions, seconds."""


class Couchbase(Section):
    """A Couchbase cluster, used where `store.kind` is `couchbase`."""

    url: str = "couchbase://127.0.0.1"
    """Connection string."""
    username: str = "precis"
    """User with data access to the bucket."""
    password: SecretStr = SecretStr("")
    """Its password."""
    bucket: str = "precis"
    """Bucket; `precis store init` makes it with scope and collections."""
    scope: str = "precis"
    """Scope of the three collections."""
    durability: Literal["NONE", "MAJORITY", "MAJORITY_AND_PERSIST_TO_ACTIVE", "PERSIST_TO_MAJORITY"] = "MAJORITY"
    """What a write waits for before it counts."""
    connect_timeout_s: Seconds = 10
    """Limit of finding the cluster when a service starts, seconds."""
    kv_timeout_s: Seconds = 1.0
    """Limit of one key-value operation, seconds."""
    durable_timeout_s: Seconds = 5.0
    """Limit of one durable write, seconds: it waits for replicas, which reads do not."""
    scores_timeout_s: Seconds = 0.5
    """Limit of one call of the score cache, seconds: a miss costs a model call, a held thread costs more."""
    breaker_num_failures: Count = 5
    """Calls in a row without an answer after which further ones are refused at once."""
    breaker_first_pause_s: Seconds = 0.5
    """How long they are refused before one is tried, seconds; doubled each time that one fails."""
    breaker_max_pause_s: Seconds = 5
    """Longest such pause, seconds: the store may be back for so long before its users notice."""


class Store(Section):
    """Where postings, summaries and cached scores live."""

    kind: Literal["sqlite", "couchbase"] = "sqlite"
    """The embedded store, or a Couchbase cluster."""
    sqlite_path: Path | None = None
    """File of the embedded store; empty: `store.sqlite` in the data directory."""
    couchbase: Couchbase = Couchbase()
    scores_ttl_s: Seconds = 900
    """How long a cached score may be served, seconds; jitter of 10 % is added."""


class Engine(Section):
    """One model server and the bundle it serves."""

    url: Addresses = ""
    """Base address of the server, or of its replicas: a list, or separated by commas; empty: the local engine of a
    running `precis up`."""
    bundle: Path
    """Directory of the checkpoint bundle: prompts and canaries are taken from it."""
    engine: Literal["local", "vllm", "sglang"] = "local"
    """What `precis up` and `precis demo` start to serve it, from the environment that `precis engine install` makes."""
    dtype: Literal["float32", "bfloat16"] | None = None
    """Precision in which `precis up` has it served; empty: float32, above 100 million parameters bfloat16 where the
    hardware computes in it. bfloat16 is faster on processors with AMX or AVX512-BF16; the canary rules follow."""
    name: str = ""
    """Model name sent with requests, where the server insists on one; empty: none is sent."""
    hedge_after_s: Seconds | None = None
    """A call without an answer for so long goes to a second replica as well, seconds; empty: never. At most one call in
    twenty does, and none while a replica refuses work."""


class Ranker(Engine):
    """The server that scores, and what it can take."""

    kind: Literal["auto", "local", "sglang", "vllm"] = "auto"
    """What serves: `auto` asks it; to be said where something stands between that answers `/v1/models` itself."""
    max_call_items: Count | None = None
    """Most items of one request to the server; empty: as many as the scorer packs."""
    max_call_tokens: Count | None = None
    """Most tokens of one request to the server, the query counted once; empty: as many as the scorer packs."""


class LocalEngine(Section):
    """The local engine (torch), as `precis up` and `precis engine run local` start it."""

    home: Path = PROJECT_ROOT / ".engines"
    """Directory of the engine environments that `make setup` makes."""
    num_threads: Count = 1
    """Torch threads of each engine process; one per process is fastest where several share the cores."""
    start_timeout_s: Seconds = 180
    """Limit from process start to ready, seconds."""


class Ingest(Section):
    """How `precis ingest` publishes."""

    max_outstanding: Count = 64
    """Records published but not yet servable: freshness over burst."""
    max_outstanding_bytes: Count = 2_000_000
    """The same in bytes: the embedded broker keeps 5 MiB a partition and drops the rest."""
    stall_timeout_s: Seconds = 120
    """Give up where nothing became servable for this long, seconds."""


class Settings(BaseSettings):
    """All settings. Each field says what it is and in which unit."""

    model_config = SettingsConfigDict(
        env_prefix="PRECIS_",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
    )

    profile: Literal["embedded", "local-real", "external"] = "embedded"
    """`embedded`: broker, store and engines of `precis up`. `local-real`: broker and store of `precis stack up`,
    engines of `precis up`. `external`: your own Kafka, store and engines."""
    data_dir: Path = Path(".precis")
    """What runs on this machine keeps there: stores, logs, run files."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe log line written."""
    log_format: Literal["auto", "console", "json"] = "auto"
    """One line an event, for people or for machines; ``auto`` goes by whether a terminal reads it."""
    kafka: Kafka = Kafka()
    topics: Topics = Topics()
    store: Store = Store()
    summarizer: Engine = Engine(bundle=_BUNDLES / "summarizer-tiny")
    ranker: Ranker = Ranker(bundle=_BUNDLES / "ranker-tiny")
    engine: LocalEngine = LocalEngine()
    nearline: Nearline = Nearline()
    scorer: Scorer = Scorer()
    ingest: Ingest = Ingest()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the file, then the running stack."""
        del dotenv_settings, file_secret_settings
        file = Path(os.environ.get("PRECIS_CONFIG", "precis.toml"))
        return init_settings, env_settings, _TomlFile(settings_cls, toml_file=file), _StackFile(settings_cls)

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Self:
        problems: list[str] = []
        if self.profile == "external":
            needed = {
                "kafka.bootstrap": self.kafka.bootstrap,
                "summarizer.url": self.summarizer.url,
                "ranker.url": self.ranker.url,
            }
            problems += [f"profile is 'external' but {name} is ''" for name, value in needed.items() if not value]
        if self.nearline.window < self.nearline.max_in_flight:
            problems.append(
                f"nearline.window is {self.nearline.window} but nearline.max_in_flight is "
                f"{self.nearline.max_in_flight}: the window must hold all that is in flight"
            )
        ports = (self.scorer.port, self.nearline.metrics_port)
        if ports[0] == ports[1] and ports[0]:
            problems.append(f"scorer.port is {ports[0]} and nearline.metrics_port is {ports[1]}: they must differ")
        admin_ports = range(self.scorer.admin_port, self.scorer.admin_port + self.scorer.workers)
        if self.scorer.admin_port:
            problems += [
                f"{name} is {port} and scorer.admin_port is {self.scorer.admin_port}: they must differ"
                for name, port in zip(("scorer.port", "nearline.metrics_port"), ports, strict=True)
                if port in admin_ports
            ]
        if (self.scorer.tls_cert is None) != (self.scorer.tls_key is None):
            problems.append("scorer.tls_cert and scorer.tls_key: give both, or neither")
        if self.store.kind == "couchbase" and not self.store.couchbase.password.get_secret_value():
            problems.append("store.kind is 'couchbase' but store.couchbase.password is ''")
        if self.ingest.max_outstanding_bytes > self.topics.num_partitions * 5 * 1024 * 1024 // 2 and self.is_embedded:
            problems.append(
                f"ingest.max_outstanding_bytes is {self.ingest.max_outstanding_bytes} but the embedded broker keeps "
                f"5 MiB in each of topics.num_partitions = {self.topics.num_partitions}: allowed is half of that"
            )
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def is_embedded(self) -> bool:
        """Whether broker and engines come from `precis up`."""
        return self.profile == "embedded"

    @property
    def is_local_real(self) -> bool:
        """Whether broker and store come from `precis stack up`."""
        return self.profile == "local-real"

    @property
    def scorer_scheme(self) -> str:
        """What the scorer speaks on its port."""
        return "https" if self.scorer.tls_cert else "http"

    @property
    def sqlite_file(self) -> Path:
        """File of the embedded store."""
        return self.store.sqlite_path or self.data_dir / "store.sqlite"


class _TomlFile(TomlConfigSettingsSource):
    """The file, where there is one; one that was named must be there."""

    def _read_files(self, files: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        named = os.environ.get("PRECIS_CONFIG")
        if named and not Path(named).is_file():
            raise ConfigurationError(f"PRECIS_CONFIG names {named!r}, which is not a file")
        return super()._read_files(files, *args, **kwargs)


class _StackFile(PydanticBaseSettingsSource):
    """The part `settings` of the file `stack.json`, which `precis stack up` writes into the data directory."""

    def __call__(self) -> dict[str, Any]:
        if self.current_state.get("profile") != "local-real":
            return {}
        default = self.settings_cls.model_fields["data_dir"].default
        file = Path(self.current_state.get("data_dir", default)) / STACK_FILE
        try:
            return dict(json.loads(file.read_bytes())["settings"])
        except FileNotFoundError:  # no stack runs: what needs its addresses says so
            return {}
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise ConfigurationError(
                f"{str(file)!r} cannot be read ({error!r}): remove it and run `precis stack up`, which writes it anew"
            ) from error

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Nothing: the file is read as a whole."""
        del field
        return None, field_name, False


def load_settings(**overrides: Any) -> Settings:
    """The effective settings.

    Args:
        overrides: Values that win over environment and file.

    Raises:
        ConfigurationError: A value does not fit, two contradict each other, or a variable of the environment names no
            section; the message names them.
    """
    _refuse_unknown_sections(os.environ)
    try:
        return Settings(**overrides)
    except ValidationError as error:
        lines = (
            f"{'.'.join(str(part) for part in item['loc']) or 'settings'}: {item['msg'].removeprefix('Value error, ')}"
            for item in error.errors(include_url=False)
        )
        raise ConfigurationError("; ".join(lines)) from error
    except ValueError as error:  # the file is not TOML
        raise ConfigurationError(f"settings cannot be read: {error}") from error


def _refuse_unknown_sections(names: Iterable[str]) -> None:
    """A misspelled section of ``PRECIS_SECTION__NAME``: pydantic-settings passes over it, and the default would stand.

    Names without ``__`` may be somebody else's: Kubernetes makes ``PRECIS_SCORER_PORT`` of a service.
    """
    prefix = Settings.model_config["env_prefix"]
    for name in names:
        section, is_nested, _ = name.upper().removeprefix(prefix).partition("__")
        if name.upper().startswith(prefix) and is_nested and section.lower() not in Settings.model_fields:
            nearest = difflib.get_close_matches(section.lower(), Settings.model_fields, n=1)
            hint = f"did you mean {prefix}{nearest[0].upper()}__...? " if nearest else ""
            known = ", ".join(key for key, field in Settings.model_fields.items() if isinstance(field.default, Section))
            raise ConfigurationError(f"{name} names no setting: {hint}the sections are {known}")


def environment_for(overrides: dict[str, str]) -> dict[str, str]:
    """This process's environment with settings for a child process added.

    Args:
        overrides: Setting path with dots -> value, such as ``{"kafka.bootstrap": "127.0.0.1:9092"}``.
    """
    names = {f"PRECIS_{path.upper().replace('.', '__')}": value for path, value in overrides.items()}
    return {**os.environ, **names}


def environment_cache() -> Path:
    """Where checkouts share what is large and made once: engine environments (``ops/setup.sh``) and Kafka's jars."""
    chosen = os.environ.get("PRECIS_ENV_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "precis" / "envs"


def environment_secret(name: str) -> str:
    """A secret from the environment variable that the caller was told to use.

    Raises:
        ConfigurationError: There is no such variable, or it is empty.
    """
    value = os.environ.get(name, "").strip()
    if not value:
        raise ConfigurationError(f"the environment variable {name!r} is not set: export it, or name another one")
    return value
