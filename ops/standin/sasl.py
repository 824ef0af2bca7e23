"""Authentication: PLAIN and SCRAM (RFC 5802), for the one account that there is."""

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass, field
from functools import partial

from ops.standin.codes import Status
from ops.standin.protocol import Answer

__all__ = ["MECHANISMS", "Account", "ScramExchange", "plain", "start_scram"]

_HASHES = {"SCRAM-SHA512": "sha512", "SCRAM-SHA256": "sha256", "SCRAM-SHA1": "sha1"}
_ITERATIONS = 4_096
MECHANISMS = (*_HASHES, "PLAIN")
_REFUSED = Answer(Status.AUTH_ERROR)


@dataclass(frozen=True, slots=True)
class Account:
    """The one user, who may do everything.

    Attributes:
        username: Name.
        password: Password.
        salt: Of SCRAM; one for the life of the process, so that keys can be kept.
    """

    username: str
    password: str = field(repr=False)
    salt: bytes = field(default_factory=partial(os.urandom, 16), repr=False)
    _salted: dict[str, bytes] = field(default_factory=dict, init=False, repr=False, compare=False)

    def is_valid(self, username: str, password: str) -> bool:
        """Whether these are the user's."""
        return (username, password) == (self.username, self.password)

    def salted_password(self, algorithm: str) -> bytes:
        """The salted password of RFC 5802 by this hash; computed once, since it is slow by intent."""
        if algorithm not in self._salted:
            self._salted[algorithm] = hashlib.pbkdf2_hmac(algorithm, self.password.encode(), self.salt, _ITERATIONS)
        return self._salted[algorithm]


@dataclass(frozen=True, slots=True)
class ScramExchange:
    """An exchange whose first half is done.

    Attributes:
        account: Whose password proves it.
        algorithm: Hash.
        username: Who the client claims to be.
        client_first: Its first message, without the header.
        server_first: The answer to it.
    """

    account: Account
    algorithm: str
    username: str
    client_first: str
    server_first: str

    def finish(self, message: str) -> Answer:
        """Answer the client's proof."""
        without_proof, _, proof = message.rpartition(",p=")
        salted = self.account.salted_password(self.algorithm)
        client_key = self._hmac(salted, b"Client Key")
        agreed = f"{self.client_first},{self.server_first},{without_proof}".encode()
        signature = self._hmac(hashlib.new(self.algorithm, client_key).digest(), agreed)
        expected = bytes(left ^ right for left, right in zip(client_key, signature, strict=True))
        if self.username != self.account.username or not hmac.compare_digest(expected, base64.b64decode(proof)):
            return _REFUSED
        server_signature = self._hmac(self._hmac(salted, b"Server Key"), agreed)
        return Answer(value=b"v=" + base64.b64encode(server_signature))

    def _hmac(self, key: bytes, message: bytes) -> bytes:
        return hmac.digest(key, message, self.algorithm)


def plain(account: Account, message: bytes) -> Answer:
    """Answer mechanism PLAIN: an empty part, the user and the password, zero bytes between them."""
    _, username, password = message.decode().split("\0")
    return Answer(value=b"Authenticated") if account.is_valid(username, password) else _REFUSED


def start_scram(account: Account, mechanism: str, message: str) -> tuple[ScramExchange, Answer]:
    """Answer the first message of SCRAM: ``n,,n=user,r=nonce``."""
    client_first = message.split(",", 2)[2]
    attributes = dict(part.split("=", 1) for part in client_first.split(","))
    nonce = attributes["r"] + base64.b64encode(os.urandom(12)).decode()
    server_first = f"r={nonce},s={base64.b64encode(account.salt).decode()},i={_ITERATIONS}"
    username = attributes["n"].replace("=2C", ",").replace("=3D", "=")
    exchange = ScramExchange(account, _HASHES[mechanism], username, client_first, server_first)
    return exchange, Answer(Status.AUTH_CONTINUE, value=server_first.encode())
