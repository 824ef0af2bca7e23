"""The file of API keys, read again when it changes. A broken new file leaves the keys as they were."""

import tomllib
from collections.abc import Sequence
from pathlib import Path

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from schemas.errors import ConfigurationError
from serve.access.keys import ApiKey, KeyRing

__all__ = ["KeySource"]

_log = structlog.get_logger(__name__)
_CHECK_S = 1.0

_Stamp = tuple[int, int, int]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keys: list[ApiKey] = []


class KeySource:
    """Keys of the settings and of a TOML file, as of at most a second ago.

    Attributes:
        ring: The keys that count now.
        is_stale: The file was changed and cannot be read: ``ring`` is what it said before.
    """

    def __init__(self, keys: Sequence[ApiKey] = (), file: Path | None = None) -> None:
        """Read them.

        Raises:
            ConfigurationError: They cannot be read or contradict each other. Only here: see :meth:`refresh`.
        """
        self._own = tuple(keys)
        self._file = file
        self._next_check_s = 0.0
        self._stamp = self._stamp_now()
        self.ring = self._read()
        self.is_stale = False

    @property
    def is_open(self) -> bool:
        """Nobody needs a key. A file that has lost its last key does not open the service."""
        return self._file is None and not self._own

    def refresh(self, now_s: float) -> bool:
        """Look at the file, at most once a second: one ``stat``, some microseconds.

        Returns:
            Whether the keys are others now.
        """
        if self._file is None or now_s < self._next_check_s:
            return False
        self._next_check_s = now_s + _CHECK_S
        stamp = self._stamp_now()
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            self.ring = self._read()
        except ConfigurationError as error:
            self.is_stale = True
            _log.error("API keys not read again, the old ones stay", why=str(error))
            return False
        self.is_stale = False
        _log.info("API keys read again", keys=len(self.ring.keys))
        return True

    def _stamp_now(self) -> _Stamp | None:
        if self._file is None:
            return None
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self) -> KeyRing:
        if self._file is None:
            return KeyRing(self._own)
        try:
            content = _File.model_validate(tomllib.loads(self._file.read_text(encoding="utf-8")))
        except ValidationError as error:
            # Without the values: somebody may have put a key where its digest belongs.
            places = "; ".join(
                f"{'.'.join(map(str, item['loc']))}: {item['msg']}"
                for item in error.errors(include_url=False, include_input=False, include_context=False)
            )
            raise ConfigurationError(f"scorer.access.file {str(self._file)!r}: {places}") from None
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"scorer.access.file {str(self._file)!r} cannot be read ({error}): "
                "it holds what `precis key new NAME` prints, one [[keys]] table a key"
            ) from error
        return KeyRing([*self._own, *content.keys])
