"""The local engine as a process, on the shipped ranker."""

from collections.abc import Iterator

import pytest

from models.bundle import Bundle, Role, load_bundle
from ops.engines import local_engine_command
from ops.ports import lasting_ports
from ops.settings import LocalEngine, environment_for, load_settings
from ops.supervise import Child, ChildSpec
from schemas.errors import ConfigurationError


@pytest.fixture(scope="session")
def ranker_bundle() -> Bundle:
    """The ranker that travels with the project."""
    return load_bundle(load_settings().ranker.bundle, Role.RANKER)


@pytest.fixture(scope="session")
def ranker_url(ranker_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the local engine with it."""
    (port,) = lasting_ports(1)
    url = f"http://127.0.0.1:{port}"
    try:
        command = local_engine_command(
            LocalEngine(), bundle=ranker_bundle.path, role=Role.RANKER, host="127.0.0.1", port=port
        )
    except ConfigurationError as error:
        pytest.skip(str(error))
    log = tmp_path_factory.mktemp("engine") / "engine.log"
    engine = Child(ChildSpec("ranker engine", command, environment_for({}), f"{url}/health", log, start_timeout_s=120))
    try:
        engine.wait_ready()
        yield url
    finally:
        engine.stop()
