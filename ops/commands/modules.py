"""Commands whose options are those of a module that runs in an environment of its own."""

import os
from collections.abc import Mapping
from pathlib import Path

__all__ = ["PASS_THROUGH", "option", "run_module", "with_found"]

PASS_THROUGH = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
"""Settings of such a command: all that was typed is the module's, `--help` too."""


def option(arguments: list[str], name: str) -> str | None:
    """What was typed for an option of the module, as ``--name value`` or ``--name=value``; None where it was not."""
    for place, argument in enumerate(arguments):
        if argument == name:
            return arguments[place + 1] if place + 1 < len(arguments) else ""
        if argument.startswith(f"{name}="):
            return argument.removeprefix(f"{name}=")
    return None


def with_found(arguments: list[str], found: Mapping[str, Path | None]) -> list[str]:
    """What was typed, and the options that were not but whose files were found."""
    missing = {name: path for name, path in found.items() if path is not None and option(arguments, name) is None}
    return [*(text for name, path in missing.items() for text in (name, str(path))), *arguments]


def run_module(module: str, arguments: list[str], environment: str = "base") -> None:
    """Run a module of this project in an environment that holds torch; it takes this process's place.

    Raises:
        ConfigurationError: There is no such environment.
    """
    from ops.engines import module_command
    from ops.settings import load_settings

    command = module_command(load_settings().engine, module, *arguments, environment=environment)
    # In this process's place: signals and exit status are the module's own.
    os.execv(command[0], command)  # noqa: S606 (an argument list of our own making)
