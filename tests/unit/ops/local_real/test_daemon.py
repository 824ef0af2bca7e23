"""Processes that outlive their starter: found again, stopped, never mistaken."""

import os
import signal
import sys
import threading

import pytest

from ops.local_real.daemon import Daemon, stop_all
from ops.supervise import ChildSpec
from schemas.errors import BackendUnavailable

WAITS = "import signal, sys; signal.signal(signal.SIGTERM, {on_term}); print('up', flush=True); signal.pause()"


def daemon(tmp_path, code, *, name="part", stop_timeout_s=30.0):
    log_file = tmp_path / f"{name}.log"

    def why_unready():
        return None if log_file.exists() and "up" in log_file.read_text() else "it has not said 'up'"

    environment = dict(os.environ)  # noqa: TID251 (a child of this machine's shell)
    command = [sys.executable, "-c", code]
    spec = ChildSpec(name, command, environment, "", log_file, stop_timeout_s=stop_timeout_s, probe=why_unready)
    return Daemon(spec, tmp_path / f"{name}.pid")


def test_it_is_found_by_its_pid_file_and_stopped_by_another_handle(tmp_path):
    """What starts it and what stops it share nothing but files."""
    started = daemon(tmp_path, WAITS.format(on_term="lambda *_: sys.exit(0)"))
    assert started.pid() is None
    started.start()
    started.wait_ready()
    other = Daemon(started.spec, started.pid_file)
    assert other.pid() == started.pid()
    assert os.getsid(other.pid()) == other.pid(), "a session of its own: no terminal's Ctrl-C reaches it"
    assert stop_all([other]) == []
    assert started.pid() is None


def test_ctrl_c_during_a_start_waits_until_the_process_can_be_found(tmp_path):
    """An interrupt that arrives while it is started is seen afterwards, and the pid file is there by then."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    part = daemon(tmp_path, WAITS.format(on_term="lambda *_: sys.exit(0)"))

    class InterruptedDaemon(Daemon):
        def _start(self):
            # To the process, as a terminal does; a thread without the signal blocked takes it.
            os.kill(os.getpid(), signal.SIGINT)
            super()._start()

    stop = threading.Event()
    other = threading.Thread(target=stop.wait)
    other.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            InterruptedDaemon(part.spec, part.pid_file).start()
    finally:
        stop.set()
        other.join()
        signal.signal(signal.SIGINT, before)
    assert part.pid() is not None
    part.wait_ready()
    assert stop_all([part]) == [], "the started process itself is not deaf to signals"


def test_what_ignores_sigterm_is_killed_and_named(tmp_path):
    """Stopping always ends, and says what it took."""
    stubborn = daemon(tmp_path, WAITS.format(on_term="signal.SIG_IGN"), name="stubborn", stop_timeout_s=0.2)
    willing = daemon(tmp_path, WAITS.format(on_term="lambda *_: sys.exit(0)"), name="willing")
    for each in (stubborn, willing):
        each.start()
        each.wait_ready()
    assert stop_all([stubborn, willing]) == ["stubborn"]
    assert (stubborn.pid(), willing.pid()) == (None, None)


def test_a_pid_that_was_given_to_another_process_is_not_signalled(tmp_path):
    """After a restart of the machine a pid file may name anybody: this very process, say."""
    stale = daemon(tmp_path, "")
    stale.pid_file.write_text(f"{os.getpid()} 1\n")
    assert stale.pid() is None
    assert stop_all([stale]) == []


@pytest.mark.parametrize("content", ["", "12", "one two", "1 2 3"])
def test_half_a_pid_file_means_that_nothing_runs(tmp_path, content):
    """No content of the file is an exception."""
    stale = daemon(tmp_path, "")
    stale.pid_file.write_text(content)
    assert stale.pid() is None


def test_one_that_ends_early_is_reported_with_its_last_words(tmp_path):
    """The error has the end of its log."""
    broken = daemon(tmp_path, "import sys; sys.exit('the disk is full')")
    broken.start()
    with pytest.raises(BackendUnavailable, match=r"(?s)ended before it was ready.*the disk is full"):
        broken.wait_ready()


def test_a_killed_one_counts_as_gone_before_anybody_has_reaped_it(tmp_path):
    """In a container the process that should reap orphans may not."""
    killed = daemon(tmp_path, WAITS.format(on_term="signal.SIG_DFL"))
    killed.start()
    pid = killed.pid()
    handle = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PIDFD, handle, os.WEXITED | os.WNOWAIT)
    os.close(handle)
    assert killed.pid() is None
