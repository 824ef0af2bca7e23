"""Making engine environments: the real script and the real pip, on locks of one small wheel each."""

import base64
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ops.engine.environments import find_environments, interpreter, is_cpu_build
from ops.engine.launch import EngineName

ROOT = Path(__file__).parents[4]
CHECK = "import torch_like, vllm_like\nassert torch_like.VALUE == 'base' and vllm_like.VALUE == 'one'\n"


def wheel(folder, name, value):
    """A wheel of one module with one constant; its lock line."""
    file = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    contents = {
        f"{name}.py": f"VALUE = {value!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},sha256={_digest(text)},{len(text)}\n" for path, text in contents.items())
    with zipfile.ZipFile(file, "w") as archive:
        for path, text in (contents | {f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}).items():
            archive.writestr(path, text)
    return f"{name} @ {file.as_uri()} --hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}\n"


def _digest(text):
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


class Project:
    """A checkout with the script, and locks of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.home = folder / ".engines"
        self.cache = folder / "cache"
        (folder / "ops").mkdir()
        shutil.copy(ROOT / "ops" / "setup.sh", folder / "ops")
        (folder / "wheels").mkdir()
        self.locks = folder / "requirements"
        (self.locks / "cpu_shims" / "vllm" / "shim").mkdir(parents=True)
        (self.locks / "cpu_shims" / "vllm" / "shim" / "__init__.py").write_text("VALUE = 'shim'\n")
        (self.locks / "cpu_shims" / "check_vllm.py").write_text(CHECK)
        (self.locks / "engine.lock").write_text(wheel(folder / "wheels", "torch_like", "base"))
        (self.locks / "vllm.lock").write_text(wheel(folder / "wheels", "vllm_like", "one"))
        self.environment = {
            **os.environ,  # noqa: TID251 (a child of this machine's shell)
            "PRECIS_ENV_CACHE": str(self.cache),
            "PYTHON": sys.executable,
        }

    def setup(self, *parts):
        return subprocess.run(
            [self.folder / "ops" / "setup.sh", *parts],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def state(self):
        return self.setup("state", "vllm").stdout.split("\t")[1]

    def folders(self):
        return sorted(entry.name.partition("-")[0] for entry in self.cache.iterdir() if entry.is_dir())

    def asked(self, code):
        python = interpreter(self.home, EngineName.VLLM)
        return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A project whose vllm is installed."""
    project = Project(tmp_path_factory.mktemp("project"))
    assert project.state() == "missing"
    run = project.setup("vllm")
    assert run.returncode == 0, run.stderr
    assert "GB on disk" in run.stdout
    return project


def test_an_engine_finds_its_own_packages_the_bases_and_the_shim(installed):
    """The base is on disk once; the link's path and the folder's own both work."""
    code = "import torch_like, vllm_like, shim; print(torch_like.VALUE, vllm_like.VALUE, shim.VALUE)"
    assert installed.asked(code) == "base one shim"
    assert installed.folders() == ["engine", "vllm"]
    packages = list((installed.home / "vllm" / "lib").glob("python3.*/site-packages/torch_like.py"))
    assert packages == []


def test_a_second_run_changes_nothing(installed):
    """What is complete is left alone, file by file."""
    stamp = installed.home / "vllm" / ".complete"
    before = stamp.stat()
    run = installed.setup("vllm")
    assert run.returncode == 0
    assert "up to date" in run.stdout
    assert "installing" not in run.stdout
    assert (stamp.stat().st_ino, stamp.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_the_state_is_read_from_the_script(installed, monkeypatch):
    """`precis engine doctor` asks it, so that one place knows what an environment is made from."""
    monkeypatch.setenv("PRECIS_ENV_CACHE", str(installed.cache))
    monkeypatch.setenv("PYTHON", sys.executable)
    (environment,) = find_environments([EngineName.VLLM], installed.folder)
    assert environment.state == "complete"
    assert environment.folder.samefile(installed.home / "vllm")
    assert is_cpu_build(interpreter(installed.home, EngineName.VLLM), EngineName.VLLM)
    assert not is_cpu_build(interpreter(installed.home, EngineName.LOCAL), EngineName.LOCAL)


def test_an_install_that_was_killed_is_made_again(installed):
    """Killed after pip was done and before the check: everything is there, and none of it counts."""
    check = installed.locks / "cpu_shims" / "check_vllm.py"
    lock = installed.locks / "vllm.lock"
    before = lock.read_text()
    lock.write_text(before + "# another hash\n")
    check.write_text(f"import os\nos.kill(os.getppid(), {int(signal.SIGKILL)})\n")
    try:
        assert installed.setup("vllm").returncode == -signal.SIGKILL
        assert installed.state() == "stale"
        check.write_text(CHECK)
        assert installed.setup("vllm").returncode == 0
        assert installed.state() == "complete"
        assert installed.asked("import vllm_like; print(vllm_like.VALUE)") == "one"
    finally:
        lock.write_text(before)
        check.write_text(CHECK)


def test_an_engine_that_does_not_load_is_not_complete(installed):
    """The last step is to import it; where that fails, the command fails and says so."""
    shim = installed.locks / "cpu_shims" / "vllm" / "shim" / "__init__.py"
    check = installed.locks / "cpu_shims" / "check_vllm.py"
    shim.write_text("VALUE = 'another shim'\n")
    check.write_text("raise SystemExit('no kernels')\n")
    try:
        run = installed.setup("vllm")
        assert run.returncode == 1
        assert "no kernels" in run.stderr
        assert "does not load" in run.stderr
        assert installed.state() == "stale"
    finally:
        shim.write_text("VALUE = 'shim'\n")
        check.write_text(CHECK)
    assert installed.state() == "complete"


def test_training_lies_over_the_base(tmp_path):
    """TRL's environment adds to the base, which is made first; its check runs at the end."""
    project = Project(tmp_path)
    (project.locks / "training.lock").write_text(wheel(tmp_path / "wheels", "trl_like", "trl"))
    check = "import torch_like, trl_like\nassert torch_like.VALUE == 'base' and trl_like.VALUE == 'trl'\n"
    (project.locks / "cpu_shims" / "check_training.py").write_text(check)
    run = project.setup("training")
    assert run.returncode == 0, run.stderr
    assert project.folders() == ["engine", "training"]
    assert project.setup("state", "training").stdout.split("\t")[1] == "complete"


def test_the_rerank_clients_stand_alone(tmp_path):
    """Their environment neither needs the engines' base nor makes it; a second run changes nothing."""
    project = Project(tmp_path)
    (project.locks / "rerank_clients.lock").write_text(wheel(tmp_path / "wheels", "cohere_like", "client"))
    first, second = project.setup("rerank_clients"), project.setup("rerank_clients")
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "installing" in first.stdout
    assert "up to date" in second.stdout
    assert project.folders() == ["rerank_clients"]
    python = project.home / "rerank_clients" / "bin" / "python"
    subprocess.run([python, "-c", "import cohere_like; assert cohere_like.VALUE == 'client'"], check=True)
