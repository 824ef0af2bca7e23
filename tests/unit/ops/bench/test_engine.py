"""The bench's engine: a pure function of the prompt."""

import math
import statistics

import pytest

from models.bundle import Role, SummarizerCanary, load_bundle
from models.prompts import TextTokenizer, supported_phrases
from ops.bench.engine import BenchAnswers, ServiceTime
from ops.bench.nearline import prompt_of
from ops.bench.postings import Catalogue
from ops.settings import load_settings
from schemas.posting import read_posting


def test_service_times_are_log_normal_with_the_mean_that_was_asked_for():
    """Mean and spread over many prompts; the same prompt always takes the same time."""
    service_time = ServiceTime(mean_s=0.1, sigma=0.8)
    times = [service_time.of([7, number]) for number in range(20_000)]
    assert statistics.mean(times) == pytest.approx(0.1, rel=0.03)
    assert statistics.stdev(map(math.log, times)) == pytest.approx(0.8, rel=0.03)
    assert service_time.of([7, 11]) == times[11]


def test_an_engine_without_service_time_answers_at_once():
    """For measurements of everything else."""
    assert ServiceTime(mean_s=0.0, sigma=0.8).of([1, 2, 3]) == 0.0


def test_answers_pass_the_canaries_and_stand_in_the_body():
    """So that the service starts, and stores what the engine says as a model's summary."""
    settings = load_settings()
    bundle = load_bundle(settings.summarizer.bundle, Role.SUMMARIZER)
    answers = BenchAnswers(bundle, TextTokenizer.from_file(bundle.tokenizer_file))
    canaries = [canary for canary in bundle.manifest.canaries if isinstance(canary, SummarizerCanary)]
    assert [answers.to(canary.prompt_ids) for canary in canaries] == [canary.text for canary in canaries]
    prompt, catalogue = prompt_of(settings), Catalogue()
    for number in range(50):
        body = read_posting(catalogue.posting(number, 1)).body
        summary = prompt.summary(answers.to(prompt.prompt_ids(body)))
        assert summary
        assert supported_phrases(summary, body) == summary
