"""The reference on disk, so that a restart compares with the same days as before: one JSON object."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from schemas.errors import ConfigurationError
from stream.drift.config import LEAST_WINDOW
from stream.drift.industry import Industry
from stream.drift.windows import Reference

__all__ = ["read_reference", "write_reference"]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    revision: str
    queries: str
    divergences: tuple[Annotated[FiniteFloat, Field(ge=0)], ...] = Field(min_length=LEAST_WINDOW)
    industries: dict[Industry, Annotated[int, Field(ge=1)]] = Field(min_length=1)


def read_reference(path: Path) -> Reference | None:
    """The reference of a file; None where there is no file.

    Raises:
        ConfigurationError: It cannot be read, or is none.
    """
    try:
        read = _File.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"drift reference {str(path)!r} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "file"
        message = f"drift reference {str(path)!r}: {where}: {first['msg']}: remove it, and a new one is collected"
        raise ConfigurationError(message) from error
    industries = {str(name): count for name, count in read.industries.items()}
    return Reference(read.revision, read.queries, read.divergences, industries)


def write_reference(path: Path, reference: Reference) -> None:
    """Replace the file by this reference, whole or not at all.

    Raises:
        OSError: It cannot be written.
    """
    written = _File(
        revision=reference.revision,
        queries=reference.queries,
        divergences=reference.divergences,
        industries={Industry(name): count for name, count in reference.industries.items()},
    )
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.write_text(written.model_dump_json(indent=1), encoding="utf-8")
    unfinished.replace(path)
