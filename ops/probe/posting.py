"""The probe's own posting. Pure.

It says what it is, and its words are made up: no query of a user finds it by words, and it is deleted at the end. Every
update has another body, so that nothing on the way can be saved or answered from a cache.
"""

import re
from typing import Any

from schemas.errors import ConfigurationError
from schemas.posting import JobId

__all__ = ["probe_job_id", "probe_posting"]

_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_NUM_SENTENCES = 24
"""Far beyond the summarizer's target, so that the model is asked."""


def probe_job_id(instance: str) -> JobId:
    """Id of the posting: one for each place that probes, so that it is found again after a crash.

    Raises:
        ConfigurationError: The name cannot be part of a job id.
    """
    if not _NAME.fullmatch(instance):
        raise ConfigurationError(
            f"probe instance {instance!r}: 1 to 100 letters, digits, '-', '_' and '.' make a name; "
            "give one by --instance"
        )
    return JobId(f"precis-probe-{instance}")


def probe_posting(job_id: str, version: int, *, is_long: bool) -> dict[str, Any]:
    """The posting of one update.

    Args:
        job_id: Its id.
        version: Of the update; stands in the body.
        is_long: Whether a summarizer is needed; a short body is its own summary.
    """
    marks = [f"Zzprecisprobe zzmark{version} zzline{number}." for number in range(_NUM_SENTENCES if is_long else 1)]
    return {
        "@context": "https://schema.org",
        "@type": "JobPosting",
        "identifier": job_id,
        "title": "Zzprecisprobe zzsynthetic",
        "hiringOrganization": "Zzprecisprobe",
        "description": " ".join(marks),
        "precisProbe": True,
    }
