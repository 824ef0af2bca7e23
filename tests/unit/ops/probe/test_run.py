"""Following one update: what counts as through, as stale, as lost."""

from ops.probe.run import Probe, Result, Stage, run_fields
from ops.probe.scorer import Scored, Shown
from ops.probe.telemetry import ProbeTelemetry
from schemas.errors import BackendUnavailable
from schemas.events import Delete, Upsert, decode_update
from schemas.posting import JobId

NOTHING = Shown(None, None, "404 there is no summary", is_there=False)


class System:
    """``Publisher`` and ``SummaryLook``: the whole loop as a script.

    Attributes:
        updates: What was published.
        delay: Looks that show the old state after each update.
        scores: What ``/v1/score`` answers, in order; by default the item version that is shown.
        num_looks: Looks at the summary since the last update.
    """

    def __init__(self, *, delay=0, scores=()):
        self.updates = []
        self.delay = delay
        self.scores = list(scores)
        self.error = None
        self.num_looks = 0

    async def send(self, topic, *, key, value, headers=()):
        assert (topic, headers) == ("job-updates", ())
        if self.error is not None:
            raise self.error
        self.updates.append(decode_update(key, value))
        self.num_looks = 0

    async def summary(self, job_id):
        assert job_id == "precis-probe-x"
        self.num_looks += 1
        visible = self.updates[:-1] if self.num_looks <= self.delay else self.updates
        last = visible[-1] if visible else None
        if not isinstance(last, Upsert):
            return NOTHING
        return Shown(last.version, f"item-{last.version}", "shown", is_there=True)

    async def scored_item_version(self, job_id):
        return self.scores.pop(0) if self.scores else Scored((await self.summary(job_id)).item_version, "")


def probe_of(system, timeout_s=30.0, remove_timeout_s=30.0):
    ticks = iter(range(1_000))
    return Probe(
        JobId("precis-probe-x"),
        system,
        "job-updates",
        system,
        timeout_s=timeout_s,
        remove_timeout_s=remove_timeout_s,
        is_long=False,
        clock=lambda: float(next(ticks)),
    )


async def test_an_update_is_timed_at_every_stage():
    """Published, then servable, then scored; each later than the one before."""
    run = await probe_of(System(delay=2)).run_once()
    assert run.result is Result.OK
    assert list(run.seconds) == [Stage.PUBLISHED, Stage.SERVABLE, Stage.SCORED]
    assert sorted(run.seconds.values()) == list(run.seconds.values())
    assert run_fields(run)["scored_s"] == run.seconds[Stage.SCORED]


async def test_the_old_version_does_not_count_as_servable():
    """The second update waits until the scorer shows the second version."""
    system = System()
    probe = probe_of(system)
    first = await probe.run_once()
    system.delay = 3
    second = await probe.run_once()
    assert second.version > first.version
    assert second.result is Result.OK
    assert system.num_looks > 3, "three looks showed the first version"


async def test_a_score_of_an_older_item_version_is_stale():
    """After the new one was shown, only it or a newer one may be scored."""
    run = await probe_of(System(scores=[Scored("item-0", "")])).run_once()
    assert run.result is Result.STALE
    assert "item-0" in run.reason
    assert Stage.SCORED not in run.seconds


async def test_an_unscored_answer_is_asked_again():
    """Overload or a deadline is no staleness; the update comes through when the score does."""
    run = await probe_of(System(scores=[Scored(None, "unscored, overloaded")])).run_once()
    assert run.result is Result.OK


async def test_an_update_that_never_shows_is_a_timeout_that_says_how_far_it_came():
    """The last answer of the scorer is the reason."""
    run = await probe_of(System(delay=10**9), timeout_s=0.2).run_once()
    assert run.result is Result.TIMEOUT
    assert "reached: published" in run.reason
    assert "404" in run.reason


async def test_a_broker_that_is_away_is_an_error_with_its_reason():
    """Nothing raises; there is nothing to remove then but what may have been sent."""
    system = System()
    system.error = BackendUnavailable("away", backend="kafka", operation="publish")
    run = await probe_of(system).run_once()
    assert (run.result, run.seconds) == (Result.ERROR, {})
    assert "away" in run.reason


async def test_the_posting_is_deleted_at_the_end():
    """Under a higher version, and seen to be gone; nothing is deleted that was never published."""
    system = System()
    probe = probe_of(system)
    assert await probe.remove() == ""
    assert system.updates == []
    run = await probe.run_once()
    assert await probe.remove() == ""
    assert isinstance(system.updates[-1], Delete)
    assert system.updates[-1].version > run.version


async def test_metrics_count_runs_and_remember_the_last_success():
    """A failure moves the counter of its result, not the time of the last success."""
    telemetry = ProbeTelemetry()
    value = telemetry.registry.get_sample_value
    start = value("precis_probe_last_success_timestamp_seconds")
    telemetry.observe(await probe_of(System(scores=[Scored("item-0", "")])).run_once())
    assert value("precis_probe_last_success_timestamp_seconds") == start
    assert value("precis_probe_runs_total", {"result": "stale"}) == 1
    telemetry.observe(await probe_of(System()).run_once())
    assert value("precis_probe_last_success_timestamp_seconds") > start
    assert value("precis_probe_seconds_count", {"stage": "scored"}) == 1


async def test_a_posting_that_is_not_seen_to_be_gone_is_told_with_what_the_scorer_says():
    """The delete is out; whoever pressed Ctrl-C does not wait for ever and learns what is left."""
    system = System()
    probe = probe_of(system, remove_timeout_s=0.1)
    await probe.run_once()
    system.delay = 10**9
    problem = await probe.remove()
    assert "is published; the scorer: shown" in problem
    assert isinstance(system.updates[-1], Delete)
