"""Operations on parts of documents, several paths at once, extended attributes among them."""

import copy
import json
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ops.standin.codes import JSON, Frame, Opcode, PathFlag, Status, StoreFlag
from ops.standin.documents import Document
from ops.standin.keyvalue import Place, refusal
from ops.standin.paths import PathError, change, look_up
from ops.standin.protocol import Answer, Request

__all__ = ["OPERATIONS"]

_LOOKUP = struct.Struct(">BBH")  # opcode, flags, path length
_MUTATION = struct.Struct(">BBHI")  # opcode, flags, path length, value length
_FOUND = struct.Struct(">HI")  # status, length
_RESULT = struct.Struct(">BHI")  # index, status, length
_FAILED = struct.Struct(">BH")  # index, status
_WHOLE = 0x00
_WHOLE_SET = 0x01
_NEW_FLAGS = 0x02000006
"""What the SDK notes on JSON that it writes."""


@dataclass(slots=True)
class _Content:
    """A document taken apart: its JSON (left unread until it is asked for) and its extended attributes."""

    document: Document
    xattrs: dict[str, Any]
    _body: Any = None

    def root(self, flags: int) -> Any:
        """What a path starts from."""
        if flags & PathFlag.XATTR:
            return self.xattrs
        if self._body is None:
            try:
                self._body = json.loads(self.document.value)
            except ValueError as error:
                raise PathError(Status.SUBDOC_DOC_NOT_JSON) from error
        return self._body

    def set_body(self, body: Any) -> None:
        """Replace the whole."""
        self._body = body

    def value(self) -> bytes:
        """The content as bytes: as they were where the body was not asked for."""
        return self.document.value if self._body is None else _dump(self._body)


def _look_up(place: Place, request: Request) -> Answer:
    found = place.find()
    if found is None:
        return Answer(Status.NOT_FOUND)
    content = _Content(found, _virtual(place, found) | found.xattrs)
    parts, has_failed = [], False
    for opcode, flags, path in _lookups(request.value):
        try:
            status, value = Status.SUCCESS, _one(content, opcode, flags, path)
        except PathError as error:
            status, value, has_failed = error.status, b"", True
        parts.append(_FOUND.pack(status, len(value)) + value)
    status = Status.SUBDOC_MULTI_PATH_FAILURE if has_failed else Status.SUCCESS
    return Answer(status, value=b"".join(parts), cas=found.cas)


def _one(content: _Content, opcode: int, flags: int, path: str) -> bytes:
    if opcode == _WHOLE:
        return content.document.value
    found = look_up(content.root(flags), path)
    match opcode:
        case Opcode.SUBDOC_GET:
            return _dump(found)
        case Opcode.SUBDOC_EXISTS:
            return b""
        case Opcode.SUBDOC_GET_COUNT if isinstance(found, (dict, list)):
            return str(len(found)).encode()
        case Opcode.SUBDOC_GET_COUNT:
            raise PathError(Status.SUBDOC_PATH_MISMATCH)
    raise PathError(Status.SUBDOC_INVALID_COMBO)


def _virtual(place: Place, document: Document) -> dict[str, Any]:
    """Attributes that describe a document and are not stored."""
    return {
        "$document": {
            "CAS": f"0x{document.cas:016x}",
            "datatype": ["json"] if document.datatype & JSON else ["raw"],
            "deleted": False,
            "exptime": document.expires_at_s,
            "flags": document.flags,
            "value_bytes": len(document.value),
        },
        "$vbucket": {"HLC": {"now": str(int(place.cluster.now_s())), "mode": "real"}},
    }


def _mutate(place: Place, request: Request) -> Answer:
    found = place.find()
    expiry, store_flags = _extras(request.extras)
    if refused := _refused_mutation(found, request.cas, store_flags):
        return Answer(refused)
    base = found or Document(b"{}", _NEW_FLAGS, JSON, cas=0)
    content = _Content(base, copy.deepcopy(base.xattrs))
    results = []
    for index, (opcode, flags, path, value) in enumerate(_mutations(request.value)):
        try:
            result = _apply(content, opcode, flags, path, value)
        except PathError as error:
            return Answer(Status.SUBDOC_MULTI_PATH_FAILURE, value=_FAILED.pack(index, error.status))
        if result:
            results.append(_RESULT.pack(index, Status.SUCCESS, len(result)) + result)
    is_kept = expiry is None or (found is not None and Frame.PRESERVE_EXPIRY in request.frames)
    stored = place.store(
        replace(
            base,
            value=content.value(),
            xattrs=content.xattrs,
            expires_at_s=base.expires_at_s if is_kept else place.expires_at_s(expiry or 0),
        )
    )
    return Answer(cas=stored.cas, extras=place.token(), value=b"".join(results))


def _apply(content: _Content, opcode: int, flags: int, path: str, value: bytes) -> bytes:
    if opcode == _WHOLE_SET:
        content.set_body(json.loads(value))
        return b""
    return change(content.root(flags), opcode, path, flags, value)


def _refused_mutation(found: Document | None, cas: int, store_flags: int) -> Status | None:
    if found is None and not store_flags & (StoreFlag.UPSERT | StoreFlag.INSERT):
        return Status.NOT_FOUND
    if found and store_flags & StoreFlag.INSERT:
        return Status.EXISTS
    return refusal(found, cas)


def _extras(extras: bytes) -> tuple[int | None, int]:
    """Expiry, None where none was sent, and flags of the whole: 4, 1, both or no bytes."""
    expiry = int.from_bytes(extras[:4]) if len(extras) in {4, 5} else None
    return expiry, extras[-1] if len(extras) in {1, 5} else 0


def _lookups(value: bytes) -> Iterator[tuple[int, int, str]]:
    position = 0
    while position < len(value):
        opcode, flags, length = _LOOKUP.unpack_from(value, position)
        position += _LOOKUP.size + length
        yield opcode, flags, value[position - length : position].decode()


def _mutations(value: bytes) -> Iterator[tuple[int, int, str, bytes]]:
    position = 0
    while position < len(value):
        opcode, flags, path_length, value_length = _MUTATION.unpack_from(value, position)
        path_at = position + _MUTATION.size
        value_at = path_at + path_length
        position = value_at + value_length
        yield opcode, flags, value[path_at:value_at].decode(), value[value_at:position]


def _dump(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


OPERATIONS: Mapping[int, Callable[[Place, Request], Answer]] = {
    Opcode.SUBDOC_MULTI_LOOKUP: _look_up,
    Opcode.SUBDOC_MULTI_MUTATION: _mutate,
}
