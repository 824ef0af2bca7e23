"""JSON Lines, plain or gzip, read one by one; what is wrong is said with file, line and field."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from schemas.canonical import read_json
from schemas.errors import ConfigurationError, InvalidInput
from schemas.posting import check_job_id
from schemas.wire import MAX_QUERY_CHARS

__all__ = ["Grade", "JobIdText", "QueryText", "Row", "Text", "parse_row", "read_rows"]

MAX_LINE_BYTES = 4 * 2**20
"""Longest line; keeps a file without line ends from taking all memory."""

_R = TypeVar("_R", bound="Row")


class Row(BaseModel):
    """A line's object. Fields that it does not know are ignored: files carry what their makers need besides."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


def _readable(value: str) -> str:
    if found := next((char for char in value if char < " " and char not in "\t\n\r"), None):
        raise PydanticCustomError("control", "holds the control character {char}", {"char": f"U+{ord(found):04X}"})
    if not value.strip():
        raise PydanticCustomError("blank", "is empty")
    return value


def _job_id(value: str) -> str:
    try:
        return check_job_id(value)
    except InvalidInput as error:
        raise PydanticCustomError("job_id", "{why}", {"why": ascii(str(error))[1:-1]}) from error


Text = Annotated[str, AfterValidator(_readable)]
"""Text with something in it, and no NUL or other control character."""

QueryText = Annotated[Text, Field(max_length=MAX_QUERY_CHARS)]
JobIdText = Annotated[str, AfterValidator(_job_id)]
Grade = Annotated[int, Field(ge=0, le=4)]


def read_rows(path: Path) -> Iterator[tuple[str, bytes]]:
    """Place (``name:line``) and bytes of each line that is not blank.

    Raises:
        ConfigurationError: There is no such file.
        InvalidInput: It cannot be read further, or a line has no end.
    """
    number = 0
    try:
        with gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb") as stream:
            while line := stream.readline(MAX_LINE_BYTES):
                number += 1
                if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
                    raise InvalidInput(f"{path.name}:{number}: the line is over {MAX_LINE_BYTES:,} bytes")
                if line.strip():
                    yield f"{path.name}:{number}", line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise ConfigurationError(f"{str(path)!r} cannot be read: {error.strerror}") from error
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidInput(f"{path.name}:{number + 1}: the file cannot be read further: {error}") from error


def parse_row(place: str, line: bytes, model: type[_R]) -> _R:
    """The object of a line.

    Raises:
        InvalidInput: Not JSON, no object, or a field is missing or wrong: named with the place.
    """
    try:
        fields = read_json(line)
    except ValueError as error:
        raise InvalidInput(f"{place}: not JSON: {str(error)[:200]}") from error
    if not isinstance(fields, dict):
        raise InvalidInput(f"{place}: a JSON {type(fields).__name__}, not an object")
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"])) or None
        said = "is missing" if first["type"] == "missing" else first["msg"]
        where = f"field `{field}`: " if field else ""
        raise InvalidInput(f"{place}: {where}{said}", field=field) from error
