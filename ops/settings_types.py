"""What the sections of the settings are made of."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

__all__ = ["Addresses", "Count", "Port", "Seconds", "Section", "Share"]


def _joined(addresses: object) -> object:
    return ",".join(map(str, addresses)) if isinstance(addresses, list | tuple) else addresses


Addresses = Annotated[str, BeforeValidator(_joined)]
"""Of one server or of its replicas: a list, or separated by commas."""
Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """A table of the file. Unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
