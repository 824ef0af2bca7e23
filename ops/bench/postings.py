"""The catalogue of a run: the shipped samples, made different from each other, and later versions of them."""

from datetime import date, datetime, timedelta
from typing import Any

from ops.demo.samples import read_samples
from schemas.events import Upsert, encode_update
from schemas.posting import JobId

__all__ = ["Catalogue", "job_id"]

_FIRST_DAY = date(2026, 1, 1)


class Catalogue:
    """Any number of different postings of real size (3,200 characters of body); the same ones in every run."""

    def __init__(self) -> None:
        self._samples = [sample.posting for sample in read_samples()]

    def posting(self, number: int, version: int) -> dict[str, Any]:
        """One version of posting ``number``.

        Bodies differ between numbers, so that no two have one prompt, and stay from version to version. Every second
        posting is dated anew with each version, which changes its header; the others are sent again as they were.
        """
        sample = self._samples[number % len(self._samples)]
        changes = {"description": f"<p>Vacancy {number:06d}.</p>{sample['description']}"}
        if number % 2:
            changes["datePosted"] = (_FIRST_DAY + timedelta(days=version)).isoformat()
        return sample | changes

    def record(self, number: int, version: int, event_time: datetime) -> tuple[bytes, bytes]:
        """Key and value of the upsert that publishes it."""
        update = Upsert(
            job_id=job_id(number), version=version, event_time=event_time, posting=self.posting(number, version)
        )
        return encode_update(update)


def job_id(number: int) -> JobId:
    """Id of posting ``number``."""
    return JobId(f"bench-{number:06d}")
