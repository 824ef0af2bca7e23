"""Listening sockets, bound before anything is built so that a taken port is a clear message.

Several workers share a port by SO_REUSEPORT, a socket each: the kernel spreads connections by a hash. Measured with two
workers, the busier one got 50 to 62 % of 8 to 200 connections. With one inherited socket it got up to all of them where
they were opened at once, as a gateway opens its pool, which then stays where it is. The price: what a killed worker has
not accepted yet is reset with what it had; new connections go to the others.
"""

import socket
from dataclasses import dataclass

from schemas.errors import ConfigurationError

__all__ = ["Place", "listen", "reserve", "share"]

# What arrives in one moment while the event loop is busy; the kernel cuts it to net.core.somaxconn.
_BACKLOG = 2048


@dataclass(frozen=True, slots=True)
class Place:
    """What tells one worker process from the others.

    Attributes:
        port: That all of them share.
        index: From 0.
    """

    port: int
    index: int


def listen(host: str, port: int, setting: str) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        ConfigurationError: There cannot be one; the message names the setting.
    """
    found = _bind(host, port, setting, is_shared=False)
    try:
        found.listen(_BACKLOG)
    except OSError as error:
        found.close()
        raise _refused(host, port, setting, error) from error
    return found


def reserve(host: str, port: int, setting: str) -> socket.socket:
    """Hold a port for :func:`share`, without listening; port 0 takes a free one.

    Raises:
        ConfigurationError: Another program listens there; the message names the setting.
    """
    with listen(
        host, port, setting
    ) as probe:  # without SO_REUSEPORT: a second scorer must not creep in beside the first
        port = probe.getsockname()[1]
    return _bind(host, port, setting, is_shared=True)


def share(host: str, port: int, setting: str) -> socket.socket:
    """A socket on a port that this program's other processes use too. It does not listen yet: nothing comes to it.

    Raises:
        ConfigurationError: There cannot be one; the message names the setting.
    """
    return _bind(host, port, setting, is_shared=True)


def _bind(host: str, port: int, setting: str, *, is_shared: bool) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        found = socket.socket(family, kind, protocol)
        try:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if is_shared:
                found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            found.bind(address)
        except OSError:
            found.close()
            raise
    except OSError as error:
        raise _refused(host, port, setting, error) from error
    found.setblocking(False)  # noqa: FBT003 - the standard library's signature
    return found


def _refused(host: str, port: int, setting: str, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"{setting} is {port}, which cannot be listened on at {host!r} ({error.strerror}): "
        "stop what uses it, or choose another port (0 takes a free one)"
    )
