"""The scorer that the examples talk to is that of the scorer's own tests."""

from tests.integration.serve.conftest import start_scorer

__all__ = ["start_scorer"]
