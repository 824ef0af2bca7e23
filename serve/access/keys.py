"""API keys: kept as SHA-256 digests, because a key is long and random and needs no slow hash."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.api import TrafficClass
from schemas.errors import ConfigurationError

__all__ = ["ApiKey", "KeyRing", "digest_of", "new_key"]

_PREFIX = "precis_"
_NUM_BYTES = 32


class ApiKey(BaseModel):
    """One caller, as settings or the key file name it. Never holds the key itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    """Stands in log lines and metrics."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Digest of the key, in hexadecimal."""
    tokens_per_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Tokens that it may send to the ranker, a second; none: no limit."""
    burst: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Tokens that it may spend at once after a pause; none: those of ten seconds."""
    classes: frozenset[TrafficClass] | None = None
    """Traffic classes that it may ask for; none: all."""
    is_admin: bool = False
    """Whether it may make the calls of the admin port."""

    @model_validator(mode="after")
    def _check_limit(self) -> Self:
        if self.burst is not None and self.tokens_per_s is None:
            raise ValueError("burst without tokens_per_s limits nothing: give both, or neither")
        return self


class KeyRing:
    """The keys of one moment. Immutable."""

    def __init__(self, keys: Sequence[ApiKey]) -> None:
        """Take the keys.

        Raises:
            ConfigurationError: Two have the same name or the same digest.
        """
        for field in ("name", "sha256"):
            values = [getattr(key, field) for key in keys]
            twice = sorted({value[:16] for value in values if values.count(value) > 1})
            if twice:
                raise ConfigurationError(
                    f"{len(twice)} values of {field} stand at several API keys: {', '.join(twice)}"
                )
        self.keys = tuple(keys)

    def find(self, presented: str) -> ApiKey | None:
        """Whose key this is; None: nobody's. Takes the same time whoever's it is."""
        digest = digest_of(presented)
        found = None
        for key in self.keys:
            if hmac.compare_digest(digest, key.sha256):
                found = key
        return found


def digest_of(key: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def new_key() -> str:
    """A key of 256 random bits."""
    return _PREFIX + secrets.token_urlsafe(_NUM_BYTES)
