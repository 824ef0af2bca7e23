"""Summaries of the ads that the small ranker learns from, kept in a file: :mod:`summarising` has them written."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from schemas.errors import ConfigurationError

__all__ = ["Summaries"]


@dataclass(frozen=True, slots=True)
class Summaries:
    """Summaries of bodies.

    Attributes:
        made_by: Revision of the summarizer.
        texts: By SHA-256 of the body.
    """

    made_by: str
    texts: Mapping[str, str]

    @classmethod
    def of_texts(cls, made_by: str, texts: Iterable[tuple[str, str]]) -> "Summaries":
        """Of bodies and what was written for them."""
        return cls(made_by, {_name(body): text for body, text in texts})

    @classmethod
    def read(cls, file: Path) -> "Summaries":
        """Read what :meth:`store` wrote.

        Raises:
            ConfigurationError: The file is not there or holds something else.
        """
        try:
            return TypeAdapter(cls).validate_json(file.read_bytes())
        except (OSError, ValidationError) as error:
            remedy = "`precis train small-summaries --out FILE` writes them"
            raise ConfigurationError(f"{str(file)!r} holds no summaries, {remedy}: {error}") from error

    def store(self, file: Path) -> None:
        """Write them.

        Raises:
            OSError: The file cannot be written.
        """
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(TypeAdapter(Summaries).dump_json(self, indent=1))

    def of(self, body: str) -> str | None:
        """The summary of a body; None: there is none."""
        return self.texts.get(_name(body))

    def digest(self) -> str:
        """Identity: SHA-256 over all texts and what they are of."""
        told = json.dumps([self.made_by, sorted(self.texts.items())])
        return hashlib.sha256(told.encode()).hexdigest()


def _name(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
