"""Numbers of the memcached binary protocol as Couchbase uses it: those that this stand-in knows."""

from enum import IntEnum

__all__ = [
    "COLLECTIONS",
    "JSON",
    "MUTATION_TOKENS",
    "PROTOCOL_FEATURES",
    "Frame",
    "Opcode",
    "PathFlag",
    "Status",
    "StoreFlag",
]


class Opcode(IntEnum):
    """What a request asks for."""

    GET = 0x00
    SET = 0x01
    ADD = 0x02
    REPLACE = 0x03
    DELETE = 0x04
    NOOP = 0x0A
    TOUCH = 0x1C
    GET_AND_TOUCH = 0x1D
    HELLO = 0x1F
    SASL_LIST = 0x20
    SASL_AUTH = 0x21
    SASL_STEP = 0x22
    SELECT_BUCKET = 0x89
    GET_META = 0xA0
    GET_CLUSTER_CONFIG = 0xB5
    GET_COLLECTIONS_MANIFEST = 0xBA
    GET_COLLECTION_ID = 0xBB
    SUBDOC_GET = 0xC5
    SUBDOC_EXISTS = 0xC6
    SUBDOC_DICT_ADD = 0xC7
    SUBDOC_DICT_UPSERT = 0xC8
    SUBDOC_DELETE = 0xC9
    SUBDOC_REPLACE = 0xCA
    SUBDOC_ARRAY_PUSH_LAST = 0xCB
    SUBDOC_ARRAY_PUSH_FIRST = 0xCC
    SUBDOC_COUNTER = 0xCF
    SUBDOC_MULTI_LOOKUP = 0xD0
    SUBDOC_MULTI_MUTATION = 0xD1
    SUBDOC_GET_COUNT = 0xD2
    GET_ERROR_MAP = 0xFE


class Status(IntEnum):
    """How an answer went."""

    SUCCESS = 0x00
    NOT_FOUND = 0x01
    EXISTS = 0x02
    TOO_BIG = 0x03
    INVALID = 0x04
    NO_BUCKET = 0x08
    LOCKED = 0x09
    AUTH_ERROR = 0x20
    AUTH_CONTINUE = 0x21
    NO_ACCESS = 0x24
    UNKNOWN_COMMAND = 0x81
    TEMPORARY_FAILURE = 0x86
    UNKNOWN_COLLECTION = 0x88
    UNKNOWN_SCOPE = 0x8C
    DURABILITY_INVALID_LEVEL = 0xA0
    SYNC_WRITE_IN_PROGRESS = 0xA2
    SYNC_WRITE_AMBIGUOUS = 0xA3
    SUBDOC_PATH_NOT_FOUND = 0xC0
    SUBDOC_PATH_MISMATCH = 0xC1
    SUBDOC_PATH_INVALID = 0xC2
    SUBDOC_VALUE_CANNOT_INSERT = 0xC5
    SUBDOC_DOC_NOT_JSON = 0xC6
    SUBDOC_DELTA_INVALID = 0xC8
    SUBDOC_PATH_EXISTS = 0xC9
    SUBDOC_INVALID_COMBO = 0xCB
    SUBDOC_MULTI_PATH_FAILURE = 0xCC


class Frame(IntEnum):
    """Extra frames of a request."""

    DURABILITY = 1
    PRESERVE_EXPIRY = 5


class PathFlag(IntEnum):
    """Flags of one path of a sub-document request."""

    CREATE_PARENTS = 0x01
    XATTR = 0x04


class StoreFlag(IntEnum):
    """Flags of a whole sub-document mutation: what may or must be there."""

    UPSERT = 0x01
    INSERT = 0x02


JSON = 0x01
"""Datatype bit of a JSON value."""

MUTATION_TOKENS = 0x04
COLLECTIONS = 0x12

PROTOCOL_FEATURES = frozenset(
    {
        0x03,  # no delay
        MUTATION_TOKENS,
        0x06,  # extended attributes
        0x07,  # error map
        0x08,  # bucket selection
        0x0B,  # JSON datatype
        0x0E,  # answers in another order are allowed (here they never are)
        0x10,  # requests with frames
        0x11,  # durable writes
        COLLECTIONS,
        0x14,  # preserve expiry
    }
)
"""What HELLO agrees to. Not compression: values are compared and looked into."""
