"""What the commands of training have in common: their log, and how they end where something given is wrong."""

import logging
import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, TypeVarTuple

from models.bundle import Manifest
from schemas.errors import ConfigurationError, PrecisError

__all__ = ["run_for_table", "run_recipe", "training_command"]

_P = ParamSpec("_P")
_Config = TypeVar("_Config")
_Several = TypeVarTuple("_Several")
_STOPPED = 130
_log = logging.getLogger(__name__)


def training_command(command: Callable[_P, int]) -> Callable[_P, int]:
    """A command that logs plain lines to standard error, and whose expected errors are one message there, no traceback.

    Args:
        command: Returns its exit status.

    Returns:
        It, which returns 2 for wrong settings, bundles or plans, 1 for other errors of ours, 130 after Ctrl-C.
    """

    @wraps(command)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> int:
        logging.basicConfig(level=logging.INFO, format="%(message)s")
        try:
            return command(*args, **kwargs)
        except PrecisError as error:
            print(f"error: {type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201 (what a command says)
            return 2 if isinstance(error, ConfigurationError) else 1
        except KeyboardInterrupt:
            return _STOPPED

    return run


@training_command
def run_recipe(parse: Callable[[], _Config], main: Callable[[_Config], Manifest]) -> int:
    """Train as the command line says, and log the metrics of the bundle that was written."""
    _log.info("metrics: %s", main(parse()).metrics)
    return 0


@training_command
def run_for_table(parse: Callable[[], tuple[*_Several]], main: Callable[[*_Several], str]) -> int:
    """Train several times as the command line says, and print the table that comes of it."""
    print(main(*parse()))  # noqa: T201 (what a command says)
    return 0
