"""The circuit breakers of store and engines as metrics."""

from types import SimpleNamespace

from prometheus_client import CollectorRegistry

from store.breaker_metrics import export_breakers
from store.memory import MemoryStore

NAME = "precis_store_breaker_open"


def test_a_breaker_that_does_not_let_calls_through_is_shown_when_it_is_scraped():
    """Open and half-open are 1, closed is 0; a change shows at the next look."""
    store = SimpleNamespace(breaker_states={"reads": "closed", "writes": "open", "cached scores": "half-open"})
    registry = CollectorRegistry()
    export_breakers(store, registry)
    values = [registry.get_sample_value(NAME, {"breaker": name}) for name in store.breaker_states]
    assert values == [0, 1, 1]
    store.breaker_states["reads"] = "open"
    assert registry.get_sample_value(NAME, {"breaker": "reads"}) == 1


def test_an_engines_breakers_are_a_metric_of_their_own_beside_the_stores():
    """One a replica; a service exports both."""
    registry = CollectorRegistry()
    export_breakers(SimpleNamespace(breaker_states={"reads": "closed"}), registry)
    export_breakers(SimpleNamespace(breaker_states={"http://a": "open", "http://b": "closed"}), registry, of="engine")
    values = [
        registry.get_sample_value("precis_engine_breaker_open", {"breaker": url}) for url in ("http://a", "http://b")
    ]
    assert values == [1, 0]
    assert registry.get_sample_value(NAME, {"breaker": "reads"}) == 0


def test_a_store_without_breakers_exports_none():
    """The embedded and the memory store."""
    registry = CollectorRegistry()
    export_breakers(MemoryStore(), registry)
    assert list(registry.collect()) == []
