"""The environment of `make setup-training`."""

import sys
from importlib.metadata import version

import pytest

pytestmark = pytest.mark.training


def test_trl_trains_on_the_torch_of_the_base():
    """One torch on disk: the engine and the training compute with the same build."""
    import torch  # noqa: PLC0415 (after the marker has skipped where it is absent)
    import trl  # noqa: PLC0415

    assert version("trl") == "1.16.0"
    assert trl.__file__.startswith(sys.prefix)
    assert not torch.__file__.startswith(sys.prefix)
