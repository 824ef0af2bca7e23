from pathlib import Path

import pytest

from ops.chaos.bundles import Bundles, write_bundles
from ops.settings import PROJECT_ROOT

TOKENIZER = PROJECT_ROOT / "models" / "bundles" / "summarizer-tiny" / "tokenizer.json"


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    directory: Path = tmp_path_factory.mktemp("bundles")
    return write_bundles(directory, TOKENIZER)
