"""What a profile has: its sites and its faults. And which faults show a mutant soonest."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from ops.chaos.faults.embedded import EMBEDDED_FAULTS
from ops.chaos.faults.engine import CLOCK_FAULTS, ENGINE_FAULTS
from ops.chaos.faults.ports import FaultTable
from ops.chaos.faults.processes import PROCESS_FAULTS
from ops.chaos.mutants import Mutant
from ops.chaos.site.embedded import EmbeddedSite
from ops.chaos.site.ports import Site
from schemas.errors import ConfigurationError

__all__ = ["PROFILES", "Profile", "open_profile", "sharpened"]

PROFILES = ("embedded", "local-real")


class Profile(Protocol):
    """Where segments run.

    Attributes:
        faults: All its faults by kind.
    """

    faults: FaultTable

    def open_site(self, directory: Path, number: int) -> AbstractContextManager[Site]:
        """A fresh site for one segment."""
        ...


class _Embedded:
    def __init__(self) -> None:
        self.faults: FaultTable = {**PROCESS_FAULTS, **ENGINE_FAULTS, **CLOCK_FAULTS, **EMBEDDED_FAULTS}

    def open_site(self, directory: Path, number: int) -> AbstractContextManager[Site]:
        del number
        return EmbeddedSite(directory)


@contextmanager
def open_profile(name: str, directory: Path) -> Iterator[Profile]:
    """What is started once for all segments.

    Args:
        name: One of :data:`PROFILES`.
        directory: Of the run.

    Raises:
        ConfigurationError: There is no such profile.
    """
    if name == "embedded":
        yield _Embedded()
    elif name == "local-real":
        from ops.chaos.site.local_real import LocalReal

        with LocalReal(directory) as profile:
            yield profile
    else:
        raise ConfigurationError(f"profile is {name!r}: choose one of {', '.join(PROFILES)}")


def sharpened(mutant: Mutant | None, faults: FaultTable) -> list[str]:
    """Kinds of faults to deal: all, or those that show this mutant."""
    wanted = {
        None: (),
        Mutant.ACK_BEFORE_WRITE: ("worker_sigkill",),
        Mutant.PUT_WITHOUT_CAS: ("worker_sigstop_past_session",),
        Mutant.CACHE_HIT_WITHOUT_VERSION: ("engine_slow", "worker_sigkill"),
        Mutant.PUBLISH_WITHOUT_REREAD: ("worker_sigstop_past_session",),
        Mutant.STALE_ONLY_ACKS: ("worker_sigkill",),
        Mutant.TOMBSTONE_WITHOUT_ORIGIN: ("worker_sigkill_behind_slow_engine",),
    }[mutant]
    return [kind for kind in faults if kind in wanted] or list(faults)
