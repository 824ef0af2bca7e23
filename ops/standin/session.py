"""One client connection: who it is, what it agreed to, which bucket it selected; each request to its operation."""

import json
import logging
import struct
from collections.abc import Callable, Mapping

from ops.standin import keyvalue, subdocument
from ops.standin.cluster import Cluster
from ops.standin.codes import COLLECTIONS, JSON, MUTATION_TOKENS, PROTOCOL_FEATURES, Frame, Opcode, Status
from ops.standin.configuration import Node
from ops.standin.documents import DEFAULT, Bucket
from ops.standin.faults import Fault, Faults
from ops.standin.keyvalue import Place
from ops.standin.protocol import Answer, ProtocolError, Request, decode_leb128
from ops.standin.sasl import MECHANISMS, Account, ScramExchange, plain, start_scram

__all__ = ["Session"]

_LOG = logging.getLogger(__name__)
_COLLECTION = struct.Struct(">QI")  # revision of the manifest, collection id
_DURABILITY_LEVELS = (1, 2, 3)
"""Majority; majority and persisted on the active node; persisted to a majority: on one node the last two are one."""
_PERSISTED = (2, 3)
_DOCUMENT_OPERATIONS: Mapping[int, Callable[[Place, Request], Answer]] = {
    **keyvalue.OPERATIONS,
    **subdocument.OPERATIONS,
}


class Session:
    """The state of one connection."""

    def __init__(self, cluster: Cluster, account: Account, node: Node, faults: Faults) -> None:
        """A connection that has not said who it is.

        Args:
            cluster: The data.
            account: Who may come in.
            node: What clients are told of the cluster.
            faults: What shall go wrong.
        """
        self._cluster = cluster
        self._account = account
        self._node = node
        self._faults = faults
        self._features: frozenset[int] = frozenset()
        self._scram: ScramExchange | None = None
        self._is_known = False
        self._bucket: Bucket | None = None

    def answer(self, request: Request) -> tuple[Answer, Fault | None]:
        """Do what is asked, if allowed.

        Returns:
            The answer, and the fault that says how it is sent.

        Raises:
            ProtocolError: No answer is possible; the connection must be closed.
        """
        match request.opcode:
            case Opcode.HELLO:
                return self._hello(request), None
            case Opcode.GET_ERROR_MAP:
                return _json({"version": 1, "revision": 1, "errors": {}}), None
            case Opcode.NOOP:
                return Answer(), None
            case Opcode.SASL_LIST | Opcode.SASL_AUTH | Opcode.SASL_STEP:
                return self._authenticate(request), None
            case Opcode.GET_CLUSTER_CONFIG:
                return _json(self._node.describe(self._bucket)), None
        if not self._is_known:
            return Answer(Status.NO_ACCESS), None
        if request.opcode == Opcode.SELECT_BUCKET:
            return self._select(request), None
        if self._bucket is None or self._bucket.name not in self._cluster.buckets:
            return Answer(Status.NO_BUCKET), None
        return self._in_bucket(self._bucket, request)

    def _hello(self, request: Request) -> Answer:
        asked = struct.unpack(f">{len(request.value) // 2}H", request.value)
        agreed = [feature for feature in asked if feature in PROTOCOL_FEATURES]
        self._features = frozenset(agreed)
        return Answer(value=struct.pack(f">{len(agreed)}H", *agreed))

    def _authenticate(self, request: Request) -> Answer:
        if request.opcode == Opcode.SASL_LIST:
            return Answer(value=" ".join(MECHANISMS).encode())
        try:
            answer = self._step(request)
        except (KeyError, ValueError) as error:
            raise ProtocolError(f"a message of authentication that cannot be read: {error}") from error
        self._is_known = answer.status == Status.SUCCESS
        if answer.status == Status.AUTH_ERROR:
            _LOG.warning("a client was refused: wrong user or password")
        return answer

    def _step(self, request: Request) -> Answer:
        mechanism = request.key.decode()
        if request.opcode == Opcode.SASL_STEP:
            return self._scram.finish(request.value.decode()) if self._scram else Answer(Status.INVALID)
        if mechanism not in MECHANISMS:
            return Answer(Status.INVALID)
        if mechanism == "PLAIN":
            return plain(self._account, request.value)
        self._scram, answer = start_scram(self._account, mechanism, request.value.decode())
        return answer

    def _select(self, request: Request) -> Answer:
        bucket = self._cluster.buckets.get(request.key.decode())
        if bucket is None:
            return Answer(Status.NOT_FOUND)
        self._bucket = bucket
        return Answer()

    def _in_bucket(self, bucket: Bucket, request: Request) -> tuple[Answer, Fault | None]:
        if request.opcode == Opcode.GET_COLLECTIONS_MANIFEST:
            return _json(bucket.manifest()), None
        if request.opcode == Opcode.GET_COLLECTION_ID:
            return _collection_id(bucket, (request.value or request.key).decode()), None
        operation = _DOCUMENT_OPERATIONS.get(request.opcode)
        if operation is None:
            return Answer(Status.UNKNOWN_COMMAND), None
        collection_id, key = decode_leb128(request.key) if COLLECTIONS in self._features else (0, request.key)
        if collection_id not in bucket.documents:
            return Answer(Status.UNKNOWN_COLLECTION), None
        fault = self._faults.take(request, key)
        if fault and fault.status:
            return Answer(Status[fault.status]), fault
        place = Place(self._cluster, bucket, collection_id, key, MUTATION_TOKENS in self._features)
        return self._operate(operation, place, request), fault

    def _operate(self, operation: Callable[[Place, Request], Answer], place: Place, request: Request) -> Answer:
        if durability := request.frames.get(Frame.DURABILITY):
            if durability[0] not in _DURABILITY_LEVELS:
                return Answer(Status.DURABILITY_INVALID_LEVEL)
            if durability[0] in _PERSISTED:
                self._cluster.ask_for_sync()
        try:
            return operation(place, request)
        except (struct.error, ValueError) as error:
            _LOG.warning("operation 0x%02x has a form that cannot be read: %s", request.opcode, error)
            return Answer(Status.INVALID)


def _collection_id(bucket: Bucket, path: str) -> Answer:
    scope, _, name = path.partition(".")
    collections = bucket.scopes.get(scope or DEFAULT)
    if collections is None:
        return Answer(Status.UNKNOWN_SCOPE)
    collection_id = collections.get(name or DEFAULT)
    if collection_id is None:
        return Answer(Status.UNKNOWN_COLLECTION)
    return Answer(extras=_COLLECTION.pack(bucket.revision, collection_id))


def _json(value: object) -> Answer:
    return Answer(value=json.dumps(value).encode(), datatype=JSON)
