"""Listening sockets, bound before anything is built so that a taken port is a clear message."""

import socket
from dataclasses import dataclass

from schemas.errors import ConfigurationError

__all__ = ["Place", "listen"]

# What arrives in one moment while the event loop is busy; the kernel cuts it to net.core.somaxconn.
_BACKLOG = 2048


@dataclass(frozen=True, slots=True)
class Place:
    """What tells one worker process from the others.

    Attributes:
        public: The listening socket that all of them share.
        index: From 0.
    """

    public: socket.socket
    index: int


def listen(host: str, port: int, setting: str) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        ConfigurationError: There cannot be one; the message names the setting.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        found = socket.socket(family, kind, protocol)
        try:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind(address)
            found.listen(_BACKLOG)
        except OSError:
            found.close()
            raise
    except OSError as error:
        raise ConfigurationError(
            f"{setting} is {port}, which cannot be listened on at {host!r} ({error.strerror}): "
            "stop what uses it, or choose another port (0 takes a free one)"
        ) from error
    found.setblocking(False)  # noqa: FBT003 - the standard library's signature
    return found
