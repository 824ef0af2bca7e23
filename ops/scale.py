"""Settings of a scale: whose models an embedded stack serves."""

import os
from enum import StrEnum

from ops.settings import Settings, environment_cache
from ops.small import small_bundle

__all__ = ["SMALL_PRUNED", "SMALL_RANKER", "SMALL_SUMMARIZER", "Scale", "at_scale", "time_needed"]

SMALL_RANKER, SMALL_PRUNED, SMALL_SUMMARIZER = "ranker-small", "ranker-small-pruned", "summarizer-small"


_MOST_THREADS = 4
"""Of an engine, where the settings name fewer."""


class Scale(StrEnum):
    """How large the models are."""

    TINY = "tiny"
    """Those of the repository, or whichever the settings name."""
    SMALL = "small"
    """Ranker and summarizer of 135 million parameters each, which `precis bundle fetch small` makes."""


def at_scale(settings: Settings, scale: Scale) -> Settings:
    """The settings with the models of the scale.

    Raises:
        ConfigurationError: They are not there.
    """
    if scale is Scale.TINY:
        return settings
    cache = environment_cache()
    ranker = settings.ranker.model_copy(update={"bundle": small_bundle(cache, SMALL_RANKER)})
    summarizer = settings.summarizer.model_copy(update={"bundle": small_bundle(cache, SMALL_SUMMARIZER)})
    # While postings are summarised the ranker rests, and the other way round.
    threads = max(settings.engine.num_threads, min(os.cpu_count() or 1, _MOST_THREADS))
    engine = settings.engine.model_copy(update={"num_threads": threads})
    return settings.model_copy(update={"ranker": ranker, "summarizer": summarizer, "engine": engine})


def time_needed(scale: Scale) -> str:
    """What to say before a demo starts; empty where it takes its usual two minutes."""
    if scale is Scale.TINY:
        return ""
    return "scale small: two models of 135 million parameters; the demo takes about 9 minutes on two cores"
