"""The circuit breakers of a store as a metric of the service that uses it, read when it is scraped."""

from collections.abc import Iterable, Mapping
from typing import Protocol, runtime_checkable

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

__all__ = ["HasBreakers", "export_breakers"]


@runtime_checkable
class HasBreakers(Protocol):
    """A store behind circuit breakers; the embedded one has none."""

    @property
    def breaker_states(self) -> Mapping[str, str]:
        """Breaker -> its state now: ``closed``, ``open`` or ``half-open``."""
        ...


def export_breakers(store: object, registry: CollectorRegistry) -> None:
    """Export ``precis_store_breaker_open`` where the store has breakers; once a registry.

    Args:
        store: The opened store.
        registry: Of the service's metrics.
    """
    if isinstance(store, HasBreakers):
        registry.register(_Breakers(store))


class _Breakers(Collector):
    def __init__(self, store: HasBreakers) -> None:
        self._store = store

    def collect(self) -> Iterable[GaugeMetricFamily]:
        family = GaugeMetricFamily(
            "precis_store_breaker_open", "1 while calls of the store are refused at once.", labels=["breaker"]
        )
        for name, state in self._store.breaker_states.items():
            family.add_metric([name], float(state != "closed"))
        return [family]
