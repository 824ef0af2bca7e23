"""`precis engine run` as a user runs it: a process, what it prints, what it leaves."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

PRECIS = Path(sys.executable).parent / "precis"
_ENGINES = ("models.engine", "sglang.launch_server", "vllm.entrypoints")


class Server:
    """One engine in the foreground, its output as it comes."""

    def __init__(self, folder, engine, bundle, role):
        command = [PRECIS, "engine", "run", engine, "--bundle", bundle, "--role", role, "--port", "0", "--threads", "1"]
        self.process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
        self.lines = []
        for line in self.process.stderr:
            self.lines.append(line.rstrip())
            if line.startswith("ready "):
                break

    @property
    def output(self):
        return "\n".join(self.lines)

    @property
    def group(self):
        """Process group of the engine: its leader is a child of the command, as is the watcher of the group."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return next(int(pid) for pid in children if any(word in _command(pid) for word in _ENGINES))

    def end(self, number):
        """Signal it; its exit status and what it printed last."""
        self.process.send_signal(number)
        self.lines += [line.rstrip() for line in self.process.stderr]
        return self.process.wait(60)


@contextmanager
def serving(folder, engine, bundle, role):
    server = Server(folder, engine, bundle, role)
    with server.process:  # closes its pipe
        try:
            yield server
        finally:
            if server.process.poll() is None:
                server.end(signal.SIGTERM)


def members(group):
    """Ids of the processes of a group that still run."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):  # it has just ended
                state, _, its_group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
                if int(its_group) == group and state not in "ZX":
                    found.append(int(entry.name))
    return found


def watch(group):
    """Handles on a group's processes, to wait for their end with :func:`all_ended`."""
    return [os.pidfd_open(pid) for pid in members(group)]


def _command(pid):
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    return ""
