"""Child processes: ready, failed, stopped, and never left behind."""

import os
import select
import signal
import socket
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from ops.supervise import Child, ChildSpec, check_port, free_port
from schemas.errors import BackendUnavailable, ConfigurationError

SERVER = """
import http.server, signal, sys
signal.signal(signal.SIGTERM, {on_term})
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response({status}); self.end_headers(); self.wfile.write(b'not yet')
    def log_message(self, *_): pass
print('listening', flush=True)
http.server.HTTPServer(('127.0.0.1', {port}), Handler).serve_forever()
"""


def spec(tmp_path, code, *, port=None, start_timeout_s=30.0, stop_timeout_s=30.0):
    return ChildSpec(
        name="child",
        command=[sys.executable, "-c", code],
        environment=dict(os.environ),  # noqa: TID251 (a child of this machine's shell)
        ready_url=f"http://127.0.0.1:{port or free_port()}/",
        log_file=tmp_path / "logs" / "child.log",
        start_timeout_s=start_timeout_s,
        stop_timeout_s=stop_timeout_s,
    )


def server(port, *, status=200, on_term="lambda *_: sys.exit(0)"):
    return SERVER.format(port=port, status=status, on_term=on_term)


def test_a_child_is_ready_when_it_answers_and_stops_on_sigterm(tmp_path):
    """Ready is what the child says of itself; SIGTERM lets it end in order."""
    port = free_port()
    child = Child(spec(tmp_path, server(port), port=port))
    child.wait_ready()
    assert child.exit_code() is None
    assert child.stop() == 0
    assert child.stop() == 0


def test_a_child_that_ends_early_is_reported_with_its_last_words(tmp_path):
    """The error has the exit code and the end of the log."""
    child = Child(spec(tmp_path, "import sys; print('port is taken'); sys.exit(7)"))
    with pytest.raises(BackendUnavailable, match=r"(?s)exit code 7.*port is taken"):
        child.wait_ready()


def test_a_child_that_never_gets_ready_is_reported_with_its_reason(tmp_path):
    """Where it answers but is not ready, the error says what it answered."""
    port = free_port()
    child = Child(spec(tmp_path, server(port, status=503), port=port, start_timeout_s=2))
    try:
        with pytest.raises(BackendUnavailable, match="503 not yet"):
            child.wait_ready()
    finally:
        child.stop()


def test_a_child_that_ignores_sigterm_is_killed(tmp_path):
    """Stopping always ends."""
    port = free_port()
    child = Child(spec(tmp_path, server(port, on_term="signal.SIG_IGN"), port=port, stop_timeout_s=0.5))
    child.wait_ready()
    assert child.stop() == -signal.SIGKILL


def test_a_port_in_use_is_refused_with_its_setting():
    """The message says which setting to change; a free port, and 0, pass."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"scorer\.port is {port}"):
            check_port("127.0.0.1", port, "scorer.port")
    check_port("127.0.0.1", port, "scorer.port")
    check_port("127.0.0.1", 0, "scorer.port")


def test_children_die_with_a_killed_parent(tmp_path):
    """SIGKILL of the parent leaves no orphan that holds ports and memory."""
    port = free_port()
    (tmp_path / "child.py").write_text(server(port))
    parent = textwrap.dedent(f"""
        import os, signal, sys
        from pathlib import Path
        from ops.supervise import Child, ChildSpec
        child = Child(ChildSpec(name="c", command=[sys.executable, {str(tmp_path / "child.py")!r}],
            environment=dict(os.environ), ready_url="http://127.0.0.1:{port}/",
            log_file=Path({str(tmp_path / "c.log")!r})))
        child.wait_ready()
        print(child.pid, flush=True)
        signal.pause()
    """)
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True)
    with process:
        pid = int(process.stdout.readline())
        watched = os.pidfd_open(pid)
        process.kill()
        process.wait()
        # A pidfd is readable once its process has ended: waits exactly as long as needed.
        poll_ended(watched)
    assert not Path(f"/proc/{pid}/cmdline").exists() or Path(f"/proc/{pid}/cmdline").read_bytes() == b""


FAMILY = """
import signal, subprocess, sys
grandchild = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])
open({pid_file!r}, 'w').write(str(grandchild.pid))
"""


def family(tmp_path, port):
    """A server with a child that outlives it, the child's pid in a file."""
    pid_file = tmp_path / "grandchild"
    code = FAMILY.format(pid_file=str(pid_file)) + server(port)
    return code, pid_file


@pytest.mark.parametrize("end", ["stop", "kill", "crash"])
def test_grandchildren_end_with_their_parent(tmp_path, end):
    """However it ends: an engine's workers hold gigabytes."""
    port = free_port()
    code, pid_file = family(tmp_path, port)
    child = Child(replace(spec(tmp_path, code, port=port), has_children=True))
    child.wait_ready()
    watched = os.pidfd_open(int(pid_file.read_text()))
    match end:
        case "stop":
            assert child.stop() == 0
        case "kill":
            assert child.kill() == -signal.SIGKILL
        case "crash":
            os.kill(child.pid, signal.SIGKILL)
            assert child.stop() == -signal.SIGKILL
    poll_ended(watched)


def test_grandchildren_die_with_a_killed_grandparent(tmp_path):
    """SIGKILL of this process leaves no worker of an engine behind."""
    port = free_port()
    code, pid_file = family(tmp_path, port)
    (tmp_path / "child.py").write_text(code)
    parent = textwrap.dedent(f"""
        import os, signal, sys
        from pathlib import Path
        from ops.supervise import Child, ChildSpec
        child = Child(ChildSpec(name="c", command=[sys.executable, {str(tmp_path / "child.py")!r}],
            environment=dict(os.environ), ready_url="http://127.0.0.1:{port}/",
            log_file=Path({str(tmp_path / "c.log")!r}), has_children=True))
        child.wait_ready()
        print(child.pid, flush=True)
        signal.pause()
    """)
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        watched = [os.pidfd_open(pid) for pid in (int(process.stdout.readline()), int(pid_file.read_text()))]
        process.kill()
        process.wait()
        for pidfd in watched:
            poll_ended(pidfd)


def poll_ended(pidfd):
    readable, _, _ = select.select([pidfd], [], [], 30)
    os.close(pidfd)
    assert readable


def test_a_child_gives_way_by_its_niceness(tmp_path):
    """It is added to this process's own, and is its session's as well where the kernel shares cores among sessions."""
    port = free_port()
    child = Child(replace(spec(tmp_path, server(port), port=port), niceness=3))
    niceness = os.getpriority(os.PRIO_PROCESS, 0) + 3
    try:
        child.wait_ready()
        assert os.getpriority(os.PRIO_PROCESS, child.pid) == niceness
        group = Path(f"/proc/{child.pid}/autogroup")
        if os.access(group, os.W_OK):
            assert group.read_text().endswith(f" nice {niceness}\n")
    finally:
        child.kill()
