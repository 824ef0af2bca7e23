"""Logs of one job as a publisher may write them: growing versions, deletes that tie, tombstones, re-posts."""

from hypothesis import settings
from hypothesis import strategies as st

from schemas.events import Update
from tests.unit.stream.builders import delete, tombstone, upsert

RUNS = settings(max_examples=150)
"""Each example runs a small system: a few seconds in all."""

_BODIES = ("Night shift.", "Day shift.", "")
_TITLES = ("Nurse", "Head nurse")


@st.composite
def logs(draw: st.DrawFn, *, max_size: int = 7, job_id: str = "job") -> list[Update]:
    """One to ``max_size`` updates in order of offsets."""
    version = 0
    log: list[Update] = []
    kinds = draw(
        st.lists(st.sampled_from(["upsert", "upsert", "delete", "tie", "tombstone"]), min_size=1, max_size=max_size)
    )
    for kind in kinds:
        if kind == "tombstone":
            log.append(tombstone(job_id))
        elif kind == "tie" and version:
            log.append(delete(version, job_id))
        else:
            version += draw(st.integers(1, 2))
            if kind == "upsert":
                body, title = draw(st.sampled_from(_BODIES)), draw(st.sampled_from(_TITLES))
                log.append(upsert(version, body, title, job_id))
            else:
                log.append(delete(version, job_id))
    return log
