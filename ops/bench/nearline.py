"""`precis bench nearline`: rounds of short measurements, each of the service and of the engine alone in turn."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from models.bundle import Role, load_bundle
from models.prompts import SummarizerPrompt, TextTokenizer
from ops.bench.direct import drive_directly
from ops.bench.plan import Plan, Round
from ops.bench.postings import Catalogue, job_id
from ops.bench.rates import arrival_times_s, steady_rate
from ops.bench.services import Services
from ops.bench.wire import Wire
from ops.settings import Settings
from schemas.errors import BackendProtocolError
from schemas.posting import read_posting
from schemas.statistics import quantile

__all__ = ["NearlineBench", "prompt_of"]

_WARM_UP = 200


@dataclass(slots=True)
class NearlineBench:
    """Measures running services.

    Attributes:
        plan: How much.
        services: What is measured; nobody else uses it.
        wire: To its broker.
        catalogue: What is published.
        prompt: How the service asks the engine.
        on_step: Told what is being done.
    """

    plan: Plan
    services: Services
    wire: Wire
    catalogue: Catalogue
    prompt: SummarizerPrompt
    on_step: Callable[[str], None]

    def warm_up(self) -> None:
        """Let every part do its work once, unmeasured: connections, caches, first imports."""
        self.on_step("warm up")
        numbers = range(min(_WARM_UP, self.plan.num_jobs))
        self._drive(numbers)
        self._republish(numbers, 1, "summarized")
        self._republish(numbers, 2, "unchanged")

    def round(self, number: int) -> Round:
        """Run round ``number``, from 0: on postings that no earlier round has used.

        Raises:
            BackendError: A part failed, or did not answer.
        """
        plan = self.plan
        first = _WARM_UP + number * (plan.num_jobs + plan.num_arrivals)
        numbers = range(first, first + plan.num_jobs)
        name = f"round {number + 1} of {plan.num_rounds}: "
        self.on_step(f"{name}engine alone")
        direct_per_s = steady_rate(self._drive(numbers))
        self.on_step(f"{name}new postings")
        nearline_per_s = self._republish(numbers, 1, "summarized")
        self.on_step(f"{name}unchanged postings")
        unchanged_per_s = self._republish(numbers, 2, "unchanged")
        self.on_step(f"{name}late postings")
        stale_per_s = self._republish(numbers, 1, "stale")
        self.on_step(f"{name}freshness")
        arriving = range(numbers.stop, numbers.stop + plan.num_arrivals)
        freshness_s, overhead_s = self._arrive(arriving, plan.load * direct_per_s, seed=number)
        return Round(
            direct_per_s=direct_per_s,
            nearline_per_s=nearline_per_s,
            unchanged_per_s=unchanged_per_s,
            stale_per_s=stale_per_s,
            freshness_p50_s=_quantile(freshness_s, 0.5),
            freshness_p99_s=_quantile(freshness_s, 0.99),
            freshness_overhead_p99_s=_quantile(overhead_s, 0.99),
        )

    def _drive(self, numbers: range) -> list[float]:
        prompts = [self._prompt_ids(number) for number in numbers]
        url, concurrency = self.services.engine_url, self.plan.max_in_flight
        return drive_directly(url, self.prompt, prompts, concurrency=concurrency)

    def _prompt_ids(self, number: int) -> list[int]:
        return self.prompt.prompt_ids(read_posting(self.catalogue.posting(number, 1)).body)

    def _republish(self, numbers: range, version: int, outcome: str) -> float:
        """Publish one version of these postings at once; the rate at which the service answers.

        Raises:
            BackendProtocolError: They had another outcome: something else was measured.
        """
        now = datetime.now(UTC)
        records = [self.catalogue.record(number, version, now) for number in numbers]
        before = self.services.outcomes()
        self.wire.publish(records)
        answered = self.wire.wait_for(len(records), stall_s=self.plan.stall_s)
        self._check(outcome, len(records), before)
        return steady_rate([each.at_s for each in answered])

    def _arrive(self, numbers: range, rate: float, *, seed: int) -> tuple[list[float], list[float]]:
        """Publish postings at random times, whatever the service does.

        Returns:
            Of each: seconds from its event to the stored document, and the same less the engine's own time.
        """
        own_s: dict[str, float] = {
            job_id(number): self.plan.service_time.of(self._prompt_ids(number)) for number in numbers
        }
        before = self.services.outcomes()
        start_s = time.time() + 1.0
        event_s: dict[str, float] = {}
        for number, after_s in zip(numbers, arrival_times_s(rate, len(numbers), seed), strict=True):
            # The event is when it should have come: a publisher that is late delays its own records, too.
            event_s[job_id(number)] = at_s = start_s + after_s
            key, value = self.catalogue.record(number, 1, datetime.fromtimestamp(at_s, UTC))
            time.sleep(max(0.0, at_s - time.time()))
            self.wire.send(key, value)
        self.wire.flush()
        answered = self.wire.wait_for(len(numbers), stall_s=self.plan.stall_s)
        self._check("summarized", len(numbers), before)
        freshness_s = {each.job_id: each.at_s - event_s[each.job_id] for each in answered}
        return list(freshness_s.values()), [age_s - own_s[name] for name, age_s in freshness_s.items()]

    def _check(self, outcome: str, num_records: int, before: dict[str, int]) -> None:
        # The service counts a record after it has published its answer, so the last ones may not be counted yet.
        give_up_s = time.monotonic() + self.plan.stall_s
        while (after := self.services.outcomes()).get(outcome, 0) < before.get(outcome, 0) + num_records:
            counts = {name: count - before.get(name, 0) for name, count in after.items()}
            if sum(counts.values()) >= num_records or time.monotonic() > give_up_s:
                message = f"{num_records} records should have been {outcome}, and were {counts}: see its log"
                raise BackendProtocolError(message, backend="nearline", operation="bench")
            time.sleep(0.05)


def prompt_of(settings: Settings) -> SummarizerPrompt:
    """The prompt of the settings' summarizer bundle.

    Raises:
        ConfigurationError: The bundle cannot be used.
    """
    bundle = load_bundle(settings.summarizer.bundle, Role.SUMMARIZER)
    return SummarizerPrompt(TextTokenizer.from_file(bundle.tokenizer_file), bundle.manifest.limits)


def _quantile(values: Sequence[float], share: float) -> float:
    found = quantile(values, share)
    assert found is not None, "a round has records"
    return found
