"""Running the installed command as a user would: a process, a working directory, files."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

BIN = Path(sys.executable).parent
START_TIMEOUT_S = 600


class Command:
    """`precis` in a working directory of its own."""

    def __init__(self, folder):
        self.folder = folder
        # Ports 0: tests run beside whatever else this machine runs.
        names = ("SCORER__PORT", "SCORER__ADMIN_PORT", "NEARLINE__METRICS_PORT")
        ports = {f"PRECIS_{name}": "0" for name in names}
        self.environment = {**os.environ, **ports}  # noqa: TID251 (a child of this machine's shell)

    def run(self, *arguments, timeout=1100):
        return subprocess.run(
            [BIN / "precis", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    @property
    def run_file(self):
        return self.folder / ".precis" / "run.json"

    @contextmanager
    def up(self):
        """`precis up`, ready; on leaving it gets SIGTERM if it still runs."""
        with (self.folder / "up.log").open("ab") as log:
            process = subprocess.Popen(
                [BIN / "precis", "up"], cwd=self.folder, env=self.environment, stdout=log, stderr=log
            )
        try:
            self.wait(lambda: self.run_file.exists() or process.poll() is not None)
            assert process.poll() is None, (self.folder / "up.log").read_text()
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(60)

    def addresses(self):
        return json.loads(self.run_file.read_text())

    @staticmethod
    def wait(condition):
        deadline = time.monotonic() + START_TIMEOUT_S
        while not condition():
            assert time.monotonic() < deadline, "not in time"
            time.sleep(0.05)


def children_of(pid):
    """Process ids of the children, read from /proc."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def is_running(pid):
    """Whether the process is there and not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
