"""Which step may be broken, to see that the checker notices. ``launch.mutate`` says how."""

from enum import StrEnum

__all__ = ["Mutant"]


class Mutant(StrEnum):
    """One broken step."""

    ACK_BEFORE_WRITE = "ack-before-write"
    """A record counts as finished when its work begins. Found as ``lost``: a killed worker takes the work along."""
    PUT_WITHOUT_CAS = "put-without-cas"
    """Summaries are written whatever stands there. Found as ``misordered``: a worker that was stopped writes late."""
    CACHE_HIT_WITHOUT_VERSION = "cache-hit-without-version"
    """A cached score is used for whatever version. Found as ``stale``."""
    PUBLISH_WITHOUT_REREAD = "publish-without-reread"
    """Step 6 publishes once. Found as ``changelog_behind``: a worker that was stopped publishes late."""
    STALE_ONLY_ACKS = "stale-only-acks"
    """STALE and redeliveries publish nothing. Found as ``changelog_behind``: killed between write and publication."""
    TOMBSTONE_WITHOUT_ORIGIN = "tombstone-without-origin"
    """Tombstones apply wherever they stand. Found as ``lost``: after a rewind they remove what came back after."""
