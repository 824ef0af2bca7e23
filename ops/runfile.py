"""Where the parts of a running `precis up` can be reached: `run.json` in the data directory; what a profile needs."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from ops.settings import Settings
from schemas.errors import ConfigurationError

__all__ = [
    "RunFile",
    "exclusive",
    "read_run_file",
    "require_index",
    "require_stack",
    "resolve",
    "running_stack",
    "with_engines",
]

_NAME = "run.json"


class RunFile(BaseModel):
    """Addresses of one run."""

    model_config = ConfigDict(frozen=True)

    pid: int
    bootstrap: str
    log_id: str
    scorer_url: str
    scorer_admin_url: str
    nearline_url: str
    summarizer_url: str
    ranker_url: str

    def write(self, data_dir: Path) -> None:
        """Put it where the other commands look; readers see the old or the new one, never half."""
        temporary = data_dir / f"{_NAME}.new"
        temporary.write_text(self.model_dump_json(indent=2))
        temporary.replace(data_dir / _NAME)


@contextmanager
def exclusive(data_dir: Path) -> Iterator[None]:
    """Hold the data directory: one embedded stack at a time. On exit the run file is removed.

    Raises:
        ConfigurationError: Another process holds it.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigurationError(
                f"data directory {str(data_dir)!r} is in use by another `precis up` or `precis demo`: "
                "stop that one, or set data_dir to another directory"
            ) from error
        try:
            yield
        finally:
            (data_dir / _NAME).unlink(missing_ok=True)


def read_run_file(data_dir: Path) -> RunFile:
    """The addresses of the stack that runs on this data directory.

    Raises:
        ConfigurationError: None runs.
    """
    try:
        run = RunFile.model_validate_json((data_dir / _NAME).read_bytes())
        os.kill(run.pid, 0)  # a killed stack leaves its file behind
    except (OSError, ValidationError) as error:
        raise ConfigurationError(
            f"no embedded stack runs on data directory {str(data_dir)!r}: start one with `precis up`, "
            "or set profile to 'external' and give the addresses"
        ) from error
    return run


def require_stack(settings: Settings) -> None:
    """With the profile local-real: see that broker and store of `precis stack up` are known.

    Raises:
        ConfigurationError: No stack runs.
    """
    if settings.is_local_real and not settings.kafka.bootstrap:
        raise ConfigurationError(
            f"profile is 'local-real' but no stack runs on data directory {str(settings.data_dir)!r}: "
            "start it with `precis stack up`, or set data_dir to where it runs"
        )


def require_index(settings: Settings) -> None:
    """See that the store brings full-text search.

    Raises:
        ConfigurationError: It does not; the message says what can be done instead.
    """
    if settings.store.kind != "sqlite":
        raise ConfigurationError(
            f"store.kind is {settings.store.kind!r}, and full-text search comes with the SQLite store only: "
            "rank candidates of your own with `precis score --query QUERY JOB_ID...`, or search on the embedded profile"
        )


def with_engines(settings: Settings) -> Settings:
    """With the profile local-real: engine addresses that are not set, from a running `precis up`.

    Raises:
        ConfigurationError: There is no address and none runs.
    """
    missing = [name for name in ("summarizer", "ranker") if not getattr(settings, name).url]
    if not settings.is_local_real or not missing:
        return settings
    try:
        run = read_run_file(settings.data_dir)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"profile is 'local-real' without {' and '.join(f'{name}.url' for name in missing)}: start the engines "
            "with `precis up` on the same data directory, or give their addresses"
        ) from error
    urls = {"summarizer": run.summarizer_url, "ranker": run.ranker_url}
    update = {name: getattr(settings, name).model_copy(update={"url": urls[name]}) for name in missing}
    return settings.model_copy(update=update)


def running_stack(settings: Settings) -> RunFile | None:
    """The `precis up` whose services these settings mean; None where services run by themselves.

    Raises:
        ConfigurationError: The profile is embedded or local-real and no stack runs.
    """
    if settings.is_embedded and not settings.kafka.bootstrap:
        return read_run_file(settings.data_dir)
    require_stack(settings)
    if settings.is_local_real:
        with suppress(ConfigurationError):  # the scorer may run by itself
            run = read_run_file(settings.data_dir)
            return run if run.bootstrap == settings.kafka.bootstrap else None
    return None


def resolve(settings: Settings) -> tuple[str, str, str]:
    """Broker address, log id and scorer address, from the running stack or from the settings.

    Raises:
        ConfigurationError: The profile is embedded or local-real and no stack runs.
    """
    run = running_stack(settings)
    if run and not settings.kafka.bootstrap:
        return run.bootstrap, run.log_id, run.scorer_url
    scorer_url = f"{settings.scorer_scheme}://{settings.scorer.host}:{settings.scorer.port}"
    return settings.kafka.bootstrap, settings.kafka.log_id, run.scorer_url if run else scorer_url
