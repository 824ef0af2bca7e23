"""Follows the arms file. What cannot be read or does not fit changes nothing, is logged once, and is read again."""

import asyncio
from pathlib import Path

import structlog

from schemas.errors import ConfigurationError
from serve.arms.declaration import ArmConfig, Declaration, parse_declaration

__all__ = ["ArmsFile"]

_log = structlog.get_logger(__name__)


class ArmsFile:
    """The file as it was read last.

    Attributes:
        path: Where it lies.
        problem: Why it could not be followed when it was last read; None where it was.
    """

    def __init__(self, path: Path, settings_arm: ArmConfig) -> None:
        self.path = path
        self.problem: str | None = None
        self._settings_arm = settings_arm
        self._text: str | None = None

    async def read(self) -> Declaration:
        """The declaration as it stands: at start, where there is nothing else to follow.

        Raises:
            ConfigurationError: It cannot be read, or does not fit.
        """
        self._text = await asyncio.to_thread(self._content)
        return self._parsed(self._text)

    async def changed(self) -> Declaration | None:
        """The new declaration; None where the file is as it was, or is not to be followed: see ``problem``."""
        try:
            text = await asyncio.to_thread(self._content)
            # The text and not its time: times have a resolution, and some ways of replacing a file keep them.
            if text == self._text and self.problem is None:
                return None
            declaration = self._parsed(text)
        except ConfigurationError as error:
            if str(error) != self.problem:
                _log.warning("arms file not followed", why=str(error))
            self.problem = str(error)
            return None
        self._text, self.problem = text, None
        return declaration

    def _content(self) -> str:
        try:
            return self.path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"arms file {str(self.path)!r} cannot be read: {error}") from error

    def _parsed(self, text: str) -> Declaration:
        try:
            return parse_declaration(text, self.path.parent, self._settings_arm)
        except ConfigurationError as error:
            raise ConfigurationError(f"arms file {str(self.path)!r}: {error}") from error
