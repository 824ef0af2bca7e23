"""Operations on whole documents. Each takes where the key lies and the request, and gives the answer."""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ops.standin.cluster import Cluster
from ops.standin.codes import JSON, Frame, Opcode, Status
from ops.standin.documents import Bucket, Document, expiry_time
from ops.standin.protocol import Answer, Request

__all__ = ["OPERATIONS", "Place", "refusal"]

_FLAGS = struct.Struct(">I")
_FLAGS_AND_EXPIRY = struct.Struct(">II")
_META = struct.Struct(">IIIQB")  # deleted, flags, expiry, sequence number, datatype
_TOKEN = struct.Struct(">QQ")
_VBUCKET_UUID = 0x1234
_MAX_VALUE_BYTES = 20 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key lies.

    Attributes:
        cluster: Everything.
        bucket: The selected bucket.
        collection_id: One that the bucket has.
        key: The key alone.
        has_tokens: Whether the client wants to know the number of its mutation.
    """

    cluster: Cluster
    bucket: Bucket
    collection_id: int
    key: bytes
    has_tokens: bool

    def find(self) -> Document | None:
        """The document that is there."""
        return self.cluster.find(self.bucket, self.collection_id, self.key)

    def store(self, document: Document) -> Document:
        """Write it, with a new token."""
        return self.cluster.store(self.bucket, self.collection_id, self.key, document)

    def token(self) -> bytes:
        """The number of the mutation just made, as extras of an answer."""
        return _TOKEN.pack(_VBUCKET_UUID, self.bucket.sequence) if self.has_tokens else b""

    def expires_at_s(self, expiry: int) -> int:
        """The protocol's expiry field as a time."""
        return expiry_time(expiry, self.cluster.now_s())


def refusal(found: Document | None, cas: int) -> Status | None:
    """Why a write that needs this token cannot be; token 0 needs none."""
    if not cas:
        return None
    if found is None:
        return Status.NOT_FOUND
    return None if found.cas == cas else Status.EXISTS


def _get(place: Place, _request: Request) -> Answer:
    found = place.find()
    return _whole(found) if found else Answer(Status.NOT_FOUND)


def _set(place: Place, request: Request) -> Answer:
    found = place.find()
    if len(request.value) > _MAX_VALUE_BYTES:
        return Answer(Status.TOO_BIG)
    if refused := _refused_store(found, request):
        return Answer(refused)
    flags, expiry = _FLAGS_AND_EXPIRY.unpack(request.extras)
    is_kept = found is not None and Frame.PRESERVE_EXPIRY in request.frames
    document = Document(
        request.value,
        flags,
        request.datatype & JSON,
        cas=0,
        expires_at_s=found.expires_at_s if found and is_kept else place.expires_at_s(expiry),
        xattrs=found.xattrs if found else {},
    )
    return Answer(cas=place.store(document).cas, extras=place.token())


def _refused_store(found: Document | None, request: Request) -> Status | None:
    if request.opcode == Opcode.ADD and found:
        return Status.EXISTS
    if request.opcode == Opcode.REPLACE and not found:
        return Status.NOT_FOUND
    return refusal(found, request.cas)


def _delete(place: Place, request: Request) -> Answer:
    found = place.find()
    if found is None:
        return Answer(Status.NOT_FOUND)
    if refused := refusal(found, request.cas):
        return Answer(refused)
    cas = place.cluster.remove(place.bucket, place.collection_id, place.key)
    return Answer(cas=cas, extras=place.token())


def _touch(place: Place, request: Request) -> Answer:
    found = place.find()
    if found is None:
        return Answer(Status.NOT_FOUND)
    (expiry,) = _FLAGS.unpack(request.extras)
    stored = place.store(replace(found, expires_at_s=place.expires_at_s(expiry)))
    return _whole(stored) if request.opcode == Opcode.GET_AND_TOUCH else Answer(cas=stored.cas)


def _get_meta(place: Place, _request: Request) -> Answer:
    found = place.find()
    if found is None:
        return Answer(Status.NOT_FOUND)
    meta = _META.pack(0, found.flags, found.expires_at_s, place.bucket.sequence, found.datatype)
    return Answer(cas=found.cas, extras=meta)


def _whole(found: Document) -> Answer:
    return Answer(extras=_FLAGS.pack(found.flags), value=found.value, cas=found.cas, datatype=found.datatype)


OPERATIONS: Mapping[int, Callable[[Place, Request], Answer]] = {
    Opcode.GET: _get,
    Opcode.SET: _set,
    Opcode.ADD: _set,
    Opcode.REPLACE: _set,
    Opcode.DELETE: _delete,
    Opcode.TOUCH: _touch,
    Opcode.GET_AND_TOUCH: _touch,
    Opcode.GET_META: _get_meta,
}
