"""Ports that a server can leave and take again."""

import random
import socket
from pathlib import Path

from schemas.errors import BackendUnavailable

__all__ = ["first_ephemeral_port", "lasting_ports"]

_LOWEST = 15_000
_ATTEMPTS = 1_000
_RANGE_FILE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def lasting_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Free ports below those that the kernel gives to outgoing connections.

    Port 0 would give one of the kernel's own. While such a server is away a client that tries its port again and again
    can be given that very port, connect to itself, and keep the server from coming back.

    Raises:
        BackendUnavailable: None was found.
    """
    highest = max(first_ephemeral_port() - 1, _LOWEST)
    ports: set[int] = set()
    chance = random.SystemRandom()  # two programs with one seed must not try the same ports
    for _ in range(_ATTEMPTS):
        port = chance.randint(_LOWEST, highest)
        if _is_free(host, port):
            ports.add(port)
        if len(ports) == count:
            return sorted(ports)
    raise BackendUnavailable(
        f"found {len(ports)} of {count} free ports from {_LOWEST} to {highest} in {_ATTEMPTS} attempts",
        backend="this machine",
        operation="choose ports",
    )


def first_ephemeral_port() -> int:
    """Lowest port that the kernel gives to outgoing connections."""
    try:
        return int(_RANGE_FILE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 32_768  # Linux's own default


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
