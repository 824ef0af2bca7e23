"""Commands that run Kafka's classes, and the archive of loaded classes that halves the time they take to start."""

import hashlib
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from schemas.errors import ConfigurationError

__all__ = ["Java", "archive_name", "find_java", "parse_major"]

_OLDEST = 17
_REMEDY = "Apache Kafka 4 runs on Java 17 or newer (Debian, Ubuntu: apt install openjdk-17-jre-headless)"
# Small and quick to start rather than fast for ever: a broker of tests and laptops shares the machine.
_OPTIONS = (
    "-Xms128m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",
    "-Xshare:auto",
)


@dataclass(frozen=True, slots=True)
class Java:
    """A Java runtime and the class path it is used with.

    Attributes:
        program: The ``java`` program.
        jars: Folder of the jars.
        archive: File of loaded classes; None: start without.
    """

    program: Path
    jars: Path
    archive: Path | None = None

    def command(self, main_class: str, *arguments: str, log4j: Path, temporary: Path, extra: str = "") -> list[str]:
        """Command line that runs a class.

        Args:
            main_class: Its full name.
            arguments: Handed to it.
            log4j: Log4j configuration.
            temporary: Existing folder for what the JVM unpacks; a killed one leaves it behind.
            extra: One more option of the JVM.
        """
        options = [*_OPTIONS, f"-Dlog4j2.configurationFile={log4j.resolve().as_uri()}", f"-Djava.io.tmpdir={temporary}"]
        if extra:
            options.append(extra)
        elif self.archive is not None:
            options.append(f"-XX:SharedArchiveFile={self.archive}")
        # In the same order every time: an archive holds for one class path.
        class_path = ":".join(str(jar) for jar in sorted(self.jars.glob("*.jar")))
        return [str(self.program), *options, "-cp", class_path, main_class, *arguments]

    def with_archive(self) -> "Java":
        """The same with the archive of this runtime, where that has been made."""
        archive = self.jars / archive_name(self.program)
        return replace(self, archive=archive) if archive.is_file() else self


def archive_name(program: Path) -> str:
    """File name of the archive, which holds for one build of Java only."""
    real = program.resolve()
    stat = real.stat()
    build = f"{real} {stat.st_size} {stat.st_mtime_ns}"
    return f"classes-{hashlib.sha256(build.encode()).hexdigest()[:12]}.jsa"


def find_java(jars: Path) -> Java:
    """The ``java`` on the path, with the archive where there is one.

    Raises:
        ConfigurationError: There is none.
    """
    program = shutil.which("java")
    if program is None:
        raise ConfigurationError(f"java is not on PATH: {_REMEDY}")
    return Java(Path(program), jars).with_archive()


def require_version(program: Path) -> None:
    """See that a Java is new enough.

    Raises:
        ConfigurationError: It is not, or does not tell.
    """
    done = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=60, check=False)
    major = parse_major(done.stderr + done.stdout)
    if major is None or major < _OLDEST:
        first = (done.stderr or done.stdout or "nothing").strip().splitlines()[0]
        raise ConfigurationError(f"{str(program)!r} says {first!r}: {_REMEDY}")


def parse_major(text: str) -> int | None:
    """Major version in what ``java -version`` prints; None where there is none. Java 8 calls itself 1.8."""
    found = re.search(r'version "(\d+)(?:\.(\d+))?', text)
    if found is None:
        return None
    major = int(found[1])
    return int(found[2]) if major == 1 and found[2] else major
