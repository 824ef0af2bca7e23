"""Leases of computations under way, as adapters without SQL keep them: a mapping a query. Pure."""

from collections.abc import Iterable, Mapping

__all__ = ["Leases", "after_release", "others_of", "with_lead"]

Leases = Mapping[str, tuple[str, float]]
"""Item version -> who computes it, and until when, in seconds since the epoch."""


def others_of(leases: Leases, item_versions: Iterable[str], holder: str, now_s: float) -> dict[str, float]:
    """Seconds that the leases of other holders still last, by item version; ended ones left out."""
    found = ((version, leases[version]) for version in item_versions if version in leases)
    return {version: ends_s - now_s for version, (who, ends_s) in found if who != holder and ends_s > now_s}


def with_lead(
    leases: Leases, item_versions: Iterable[str], holder: str, *, now_s: float, ttl_s: float
) -> dict[str, tuple[str, float]]:
    """The leases after a holder took all of these that no other has; ended ones are dropped."""
    standing = {version: lease for version, lease in leases.items() if lease[1] > now_s}
    free = [version for version in item_versions if version not in standing or standing[version][0] == holder]
    return standing | dict.fromkeys(free, (holder, now_s + ttl_s))


def after_release(
    leases: Leases, item_versions: Iterable[str], holder: str, *, now_s: float
) -> dict[str, tuple[str, float]]:
    """The leases after a holder gave these up; those of others stay."""
    released = set(item_versions)
    return {
        version: (who, ends_s)
        for version, (who, ends_s) in leases.items()
        if ends_s > now_s and not (who == holder and version in released)
    }
