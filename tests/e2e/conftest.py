"""Fixtures of the end-to-end tests."""

import pytest

from tests.e2e.processes import Command


@pytest.fixture
def precis(tmp_path):
    """The command, in an empty folder."""
    return Command(tmp_path)
