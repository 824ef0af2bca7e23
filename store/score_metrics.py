"""Wrong content of the score cache as a metric of the service that uses it, read when it is scraped."""

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

__all__ = ["HasWrongScores", "export_wrong_scores"]


@runtime_checkable
class HasWrongScores(Protocol):
    """A store that counts what it could not use; all adapters do."""

    @property
    def num_wrong_scores(self) -> int:
        """Wrong entries and documents that were met since it was opened."""
        ...


def export_wrong_scores(store: object, registry: CollectorRegistry) -> None:
    """Export ``precis_store_wrong_scores_total`` where the store counts them.

    Args:
        store: The opened store.
        registry: Of the service's metrics.
    """
    if isinstance(store, HasWrongScores):
        registry.register(_Wrong(store))


class _Wrong(Collector):
    def __init__(self, store: HasWrongScores) -> None:
        self._store = store

    def collect(self) -> Iterable[CounterMetricFamily]:
        help_text = "Cached entries and documents that were no scores: misses."
        return [CounterMetricFamily("precis_store_wrong_scores", help_text, value=self._store.num_wrong_scores)]
