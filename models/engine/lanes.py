"""The two kinds of work over one model, in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.engine.jobs import GenerateJob, Job, ScoreJob

if TYPE_CHECKING:
    from models.engine.errors import RequestError
    from models.engine.generate_lane import GenerateLane
    from models.engine.score_lane import ScoreLane


class Lanes:
    """Both kinds of work; a step gives each one pass, so neither starves the other."""

    def __init__(self, score: ScoreLane, generate: GenerateLane) -> None:
        """Take the two lanes over one model."""
        self._score = score
        self._generate = generate

    @property
    def has_work(self) -> bool:
        """A step would do something."""
        return self._score.has_work or self._generate.has_work

    def submit(self, job: Job) -> None:
        """Hand a job to its lane."""
        if isinstance(job, ScoreJob):
            self._score.submit(job)
        elif isinstance(job, GenerateJob):
            self._generate.submit(job)
        else:
            raise TypeError(f"no lane for {type(job).__name__}")

    def step(self) -> None:
        """One scoring pass, one prefill chunk, one decode step, each where there is work."""
        if self._score.has_work:
            self._score.step()
        if self._generate.has_work:
            self._generate.step()

    def fail_all(self, error: RequestError) -> None:
        """Give up every job."""
        self._score.fail_all(error)
        self._generate.fail_all(error)
