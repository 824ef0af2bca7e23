"""What every record of ours has in common: the key is a job id, the value a JSON object that a model describes."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from schemas.canonical import read_json
from schemas.errors import InvalidInput
from schemas.posting import JobId, check_job_id

__all__ = ["decode_key", "decode_object", "validated"]

Model = TypeVar("Model", bound=BaseModel)


def decode_key(key: bytes | None) -> JobId:
    """The job id that a record is about.

    Raises:
        InvalidInput: There is no key, or it is not a job id in UTF-8.
    """
    if not key:
        message = "record has no key: the key must be the job id"
        raise InvalidInput(message, field="key")
    try:
        return check_job_id(key.decode())
    except UnicodeDecodeError as error:
        message = f"key {key[:60]!r} is not UTF-8"
        raise InvalidInput(message, field="key") from error


def decode_object(value: bytes) -> dict[str, Any]:
    """The JSON object of a value.

    Raises:
        InvalidInput: It is not JSON, or not an object.
    """
    try:
        fields = read_json(value)
    except ValueError as error:
        message = f"value is not JSON: {str(error)[:200]}"
        raise InvalidInput(message) from error
    if not isinstance(fields, dict):
        message = f"value is a JSON {type(fields).__name__}, not an object"
        raise InvalidInput(message)
    return fields


def validated(model: type[Model], fields: dict[str, Any]) -> Model:
    """The fields as a model.

    Raises:
        InvalidInput: They do not fit; the message names the first field that does not.
    """
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        message = f"{field}: {first['msg']}"
        raise InvalidInput(message, field=field) from error
