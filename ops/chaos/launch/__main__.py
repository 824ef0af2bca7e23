"""``python -m ops.chaos.launch SERVICE --clock FILE``: a service as ``precis SERVICE`` runs it, below the harness."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from ops.chaos.launch.clock import read_shift, shift_datetimes, shift_time


def main() -> None:
    """Wrap, then run the service's own ``main``."""
    parser = argparse.ArgumentParser(prog="python -m ops.chaos.launch", description=__doc__)
    parser.add_argument("service", choices=("nearline", "scorer"))
    parser.add_argument("--clock", type=Path, required=True)
    parser.add_argument("--mutant", default="")
    parser.add_argument("--pause-s", type=float, default=0.0)
    parser.add_argument("--die-at", default="", help="STEP or STEP:after, see ops.chaos.launch.steps")
    parser.add_argument("--die-at-call", type=int, default=1)
    parser.add_argument("--die-about", default="", help="job id, or the topic of a commit")
    given = parser.parse_args()
    _pipe_output()
    shift_s = read_shift(given.clock)
    shift_time(shift_s)
    _wrap_steps(given)
    if given.service == "scorer":
        import serve.bootstrap  # noqa: F401 - loaded here, so that its clock is shifted too
    shift_datetimes(shift_s)
    from ops.cli import main as run

    sys.argv = ["precis", given.service]
    run()


def _wrap_steps(given: argparse.Namespace) -> None:
    import stream.bootstrap  # noqa: F401 - loaded here, so that its clock is shifted
    from ops.chaos.launch.mutate import mutate
    from ops.chaos.launch.steps import die_at, pause_before_steps
    from ops.chaos.mutants import Mutant
    from ops.settings import load_settings
    from stream.changelog import SummaryChangelog
    from stream.process import Processor

    store = _store_class(load_settings().store.kind)
    if given.mutant:
        mutate(Mutant(given.mutant), store=store, changelog=SummaryChangelog, processor=Processor)
    if given.service == "nearline" and given.pause_s:
        pause_before_steps(store, SummaryChangelog, longest_s=given.pause_s)
    if given.die_at:
        die_at(store, step=given.die_at, count=given.die_at_call, about=given.die_about)


def _store_class(kind: str) -> type:
    if kind == "couchbase":
        from store.couchbase import CouchbaseStore

        return CouchbaseStore
    from store.sqlite import SqliteStore

    return SqliteStore


def _pipe_output() -> None:
    """Log through a pipe, as below a service manager: a full disk of the store is then not one of the log."""
    pump = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    assert pump.stdin is not None, "asked for"
    for descriptor in (1, 2):
        os.dup2(pump.stdin.fileno(), descriptor)
    pump.stdin.close()


if __name__ == "__main__":
    main()
