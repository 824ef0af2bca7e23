"""Sub-document paths: reading and changing one place of a JSON value. Pure, but for the value that is changed."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ops.standin.codes import Opcode, PathFlag, Status

__all__ = ["PathError", "change", "look_up"]

_STEP = re.compile(r"`((?:[^`]|``)*)`|\[(-?\d+)\]|([^.\[\]`]+)")

Step = str | int
"""Name of a member, or index of an element."""


@dataclass(frozen=True, slots=True)
class PathError(Exception):
    """A path could not be followed or changed.

    Attributes:
        status: Why.
    """

    status: Status


def look_up(root: Any, path: str) -> Any:
    """What stands at a path; the empty path is the whole.

    Raises:
        PathError: Nothing stands there.
    """
    for step in _steps(path):
        root = _child(root, step)
    return root


def change(root: Any, opcode: int, path: str, flags: int, value: bytes) -> bytes:
    """Change what stands at a path, in place.

    Args:
        root: The document, or its extended attributes.
        opcode: How: one of the ``SUBDOC_`` codes.
        path: Where.
        flags: See ``PathFlag``.
        value: JSON; for array operations several values, separated by commas.

    Returns:
        What the operation answers: the new number of a counter, else nothing.

    Raises:
        PathError: It cannot be changed so.
    """
    steps = _steps(path)
    operation = _CHANGES.get(opcode)
    if operation is None or (not steps and opcode not in _OF_WHOLE_ARRAYS):
        raise PathError(Status.SUBDOC_INVALID_COMBO if operation is None else Status.SUBDOC_PATH_INVALID)
    parent, may_create = root, bool(flags & PathFlag.CREATE_PARENTS)
    for step in steps[:-1]:
        if may_create and isinstance(parent, dict) and isinstance(step, str):
            parent = parent.setdefault(step, {})
        else:
            parent = _child(parent, step)
    try:
        return operation(parent, steps[-1] if steps else None, value, may_create)
    except json.JSONDecodeError as error:
        raise PathError(Status.SUBDOC_VALUE_CANNOT_INSERT) from error


def _steps(path: str) -> list[Step]:
    return [int(index) if index else (quoted.replace("``", "`") or name) for quoted, index, name in _STEP.findall(path)]


def _child(parent: Any, step: Step | None) -> Any:
    if not isinstance(parent, list if isinstance(step, int) else dict):
        raise PathError(Status.SUBDOC_PATH_MISMATCH)
    container: Any = parent
    try:
        return container[step]
    except (IndexError, KeyError) as error:
        raise PathError(Status.SUBDOC_PATH_NOT_FOUND) from error


def _members(parent: Any, step: Step | None) -> tuple[dict[str, Any], str]:
    if not isinstance(parent, dict) or not isinstance(step, str):
        raise PathError(Status.SUBDOC_PATH_MISMATCH)
    return parent, step


def _upsert(parent: Any, step: Step | None, value: bytes, _may_create: bool) -> bytes:  # noqa: FBT001 (one signature)
    members, name = _members(parent, step)
    members[name] = json.loads(value)
    return b""


def _add(parent: Any, step: Step | None, value: bytes, _may_create: bool) -> bytes:  # noqa: FBT001
    members, name = _members(parent, step)
    if name in members:
        raise PathError(Status.SUBDOC_PATH_EXISTS)
    members[name] = json.loads(value)
    return b""


def _replace(parent: Any, step: Step | None, value: bytes, _may_create: bool) -> bytes:  # noqa: FBT001
    _child(parent, step)
    parent[step] = json.loads(value)
    return b""


def _delete(parent: Any, step: Step | None, _value: bytes, _may_create: bool) -> bytes:  # noqa: FBT001
    _child(parent, step)
    del parent[step]
    return b""


def _array(parent: Any, step: Step | None, may_create: bool) -> list[Any]:  # noqa: FBT001
    if may_create and isinstance(parent, dict) and isinstance(step, str):
        parent.setdefault(step, [])
    found = parent if step is None else _child(parent, step)
    if not isinstance(found, list):
        raise PathError(Status.SUBDOC_PATH_MISMATCH)
    return found


def _push_last(parent: Any, step: Step | None, value: bytes, may_create: bool) -> bytes:  # noqa: FBT001
    _array(parent, step, may_create).extend(json.loads(b"[" + value + b"]"))
    return b""


def _push_first(parent: Any, step: Step | None, value: bytes, may_create: bool) -> bytes:  # noqa: FBT001
    _array(parent, step, may_create)[:0] = json.loads(b"[" + value + b"]")
    return b""


def _count(parent: Any, step: Step | None, value: bytes, _may_create: bool) -> bytes:  # noqa: FBT001
    members, name = _members(parent, step)
    number = members.get(name, 0)
    if isinstance(number, bool) or not isinstance(number, int):
        raise PathError(Status.SUBDOC_PATH_MISMATCH)
    try:
        members[name] = number + int(value)
    except ValueError as error:
        raise PathError(Status.SUBDOC_DELTA_INVALID) from error
    return str(members[name]).encode()


_CHANGES: Mapping[int, Callable[[Any, Step | None, bytes, bool], bytes]] = {
    Opcode.SUBDOC_DICT_UPSERT: _upsert,
    Opcode.SUBDOC_DICT_ADD: _add,
    Opcode.SUBDOC_REPLACE: _replace,
    Opcode.SUBDOC_DELETE: _delete,
    Opcode.SUBDOC_ARRAY_PUSH_LAST: _push_last,
    Opcode.SUBDOC_ARRAY_PUSH_FIRST: _push_first,
    Opcode.SUBDOC_COUNTER: _count,
}
_OF_WHOLE_ARRAYS = (Opcode.SUBDOC_ARRAY_PUSH_LAST, Opcode.SUBDOC_ARRAY_PUSH_FIRST)
