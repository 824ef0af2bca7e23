"""A wall clock that the harness can shift while the service runs. Monotonic time stays as it is, as with real jumps."""

import mmap
import struct
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

__all__ = ["read_shift", "shift_datetimes", "shift_time", "write_shift"]

_DOUBLE = struct.Struct("<d")
_PACKAGES = ("stream", "store", "serve", "models.clients")


def write_shift(file: Path, shift_s: float) -> None:
    """Let every process that follows the file believe it is so many seconds later; 8 bytes are written at once."""
    if not file.exists():
        file.write_bytes(_DOUBLE.pack(0.0))
    with file.open("r+b") as stream:
        stream.write(_DOUBLE.pack(shift_s))


def read_shift(file: Path) -> Callable[[], float]:
    """The shift in seconds, whenever it is asked for."""
    with file.open("rb") as stream:
        memory = mmap.mmap(stream.fileno(), _DOUBLE.size, access=mmap.ACCESS_READ)
    return lambda: float(_DOUBLE.unpack_from(memory)[0])


def shift_time(shift_s: Callable[[], float]) -> None:
    """Replace ``time.time``. Call before the service is imported: its ports take the function as a default."""
    real = time.time
    time.time = lambda: real() + shift_s()


def shift_datetimes(shift_s: Callable[[], float]) -> None:
    """Replace ``datetime.now`` in the imported modules of the services. Call after the service is imported."""

    class _AlsoReal(type):
        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, datetime)

    class Shifted(datetime, metaclass=_AlsoReal):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz) + timedelta(seconds=shift_s())

    for name, module in list(sys.modules.items()):
        if name.startswith(_PACKAGES) and getattr(module, "datetime", None) is datetime:
            module.datetime = Shifted  # type: ignore[attr-defined]
