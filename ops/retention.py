"""How long deleted documents are kept, for commands that must know what the nearline service writes."""

from dataclasses import fields
from typing import Any

from stream.config import NearlineConfig

__all__ = ["deleted_ttl_s"]


def deleted_ttl_s() -> float:
    """Seconds that the nearline service keeps a deleted document in the store."""
    defaults: dict[str, Any] = {field.name: field.default for field in fields(NearlineConfig)}
    return float(defaults["deleted_ttl_s"])
