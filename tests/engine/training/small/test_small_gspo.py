"""The reinforcement of the small summarizer end to end, on a tiny Llama: an adapter goes on from another."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from models.bundle import Role, load_bundle
from models.prompts import SummarizerPrompt, TextTokenizer
from models.training.export import load_weights
from models.training.generation import greedy
from models.training.judged.ads import Ad
from models.training.judged.sets import Item
from models.training.judged.wishes import Stated
from models.training.reinforce import rollouts
from models.training.reinforce.config import GspoConfig
from models.training.reinforce.episodes import Reference
from models.training.report.recorded import Recorded
from models.training.small.bundles import write_bundle
from models.training.small.marks import MARK_IDS
from models.training.small.real_episodes import real_episodes
from models.training.small.reinforced import SmallGspoConfig, main, parse_arguments
from models.training.small.running import RunConfig
from models.training.small.summarizer import SmallSummarizerConfig
from models.training.small.summarizer import main as train_start
from schemas.posting import read_posting
from tests.doubles.killed import Killed
from tests.engine.training.small.packages import marked_package, write_base

pytestmark = [pytest.mark.training, pytest.mark.shared_data]

RANKER = Path(__file__).parents[4] / "models" / "bundles" / "ranker-tiny"


@pytest.fixture(scope="module")
def config(tmp_path_factory, shared_data):
    """One rollout of two postings, from an adapter of one step."""
    folder = tmp_path_factory.mktemp("small-gspo")
    base = write_base(marked_package(folder), folder)
    start = folder / "start"
    run = RunConfig(steps=1, rank=4, threads=1, measured_every=1)
    train_start(
        SmallSummarizerConfig(start, base, layers=1, judged_data=shared_data, postings=40, evaluated=1, run=run)
    )
    run = GspoConfig(
        folder / "run",
        folder / "run" / "start",
        RANKER,
        steps=2,
        siblings=2,
        prompts=2,
        queries=1,
        postings=24,
        evaluated=1,
        save_every=1,
        learning_rate=1e-2,
        reference=Reference.FACTS,
    )
    return SmallGspoConfig(run, base, start, shared_data)


@pytest.fixture(scope="module")
def result(config):
    """Of the run."""
    return main(config)


def test_the_adapter_is_trained_on_and_makes_the_bundle_that_was_measured(config, result, tmp_path):
    """Canaries hold, what it began with is in the provenance, and nothing but the adapter is kept of the start."""
    adapter = config.run.out / "adapter"
    write_bundle(config.base, adapter, tmp_path / "bundle")
    bundle = load_bundle(tmp_path / "bundle", Role.SUMMARIZER)
    assert (tmp_path / "bundle" / "model.safetensors").read_bytes() == (
        config.run.out / "bundle" / "model.safetensors"
    ).read_bytes()
    canary = bundle.manifest.canaries[0]
    written = greedy(load_weights(bundle.path), [canary.prompt_ids], MARK_IDS["<|eos|>"], 96, batch=1)
    assert written == [list(canary.output_ids)]
    before, after = (load_file(each / "adapter_model.safetensors") for each in (config.start, adapter))
    assert before.keys() == after.keys(), "one adapter, without the copy that it is compared with"
    assert any(not torch.equal(before[name], after[name]) for name in before), "it learnt something"
    assert bundle.manifest.provenance["command"] == "precis train small-gspo"
    assert bundle.manifest.provenance["start"]["provenance"]["layers"] == 1
    assert bundle.manifest.metrics == result["after"]
    assert not config.run.summarizer.exists()
    record = Recorded.model_validate_json((config.run.out / "recorded.json").read_bytes())
    assert [row[0] for row in record.tables[0].rows] == ["start", "gspo, quadratic, w = 0.4"]


def test_a_finished_run_is_not_repeated(config, result):
    """Nor is anything written."""
    written = (config.run.out / "bundle" / "model.safetensors").stat().st_mtime_ns
    assert main(config) == result
    assert (config.run.out / "bundle" / "model.safetensors").stat().st_mtime_ns == written


def test_a_killed_training_ends_as_one_that_was_left_alone(config, tmp_path, monkeypatch):
    """Killed in its second rollout and started again: the same adapter, bit for bit."""
    run = replace(config.run, steps=4, learning_rate=1e-3)
    configs = [
        replace(config, run=replace(run, out=tmp_path / name, summarizer=tmp_path / name / "start"))
        for name in ("undisturbed", "killed")
    ]
    main(configs[0])
    sample = rollouts.sample_groups
    calls = []

    def mortal(*arguments, **options):
        calls.append(1)
        if len(calls) == 2:
            raise Killed
        return sample(*arguments, **options)

    monkeypatch.setattr(rollouts, "sample_groups", mortal)
    with pytest.raises(Killed):
        main(configs[1])
    main(configs[1])
    assert len(calls) == 3
    stored = [load_file(each.run.out / "adapter" / "adapter_model.safetensors") for each in (*configs, config)]
    undisturbed, killed, shorter = stored
    assert all(torch.equal(undisturbed[name], killed[name]) for name in undisturbed)
    assert any(not torch.equal(undisturbed[name], shorter[name]) for name in undisturbed)


def ad(key, title, body, **values):
    """A real one, as far as episodes look."""
    stated = Stated({kind: frozenset({value}) for kind, value in values.items()})
    facts = read_posting({"identifier": key, "title": title, "description": body}).facts
    return Ad(Item(key, facts, body), frozenset(), stated)


def test_of_real_ads_the_body_is_what_a_summary_must_stand_for(config, result):
    """Queries are worded after titles, with wishes; ads too short or too long to be learnt from are left out."""
    bundle = load_bundle(config.run.out / "bundle", Role.SUMMARIZER)
    tokenizer = TextTokenizer.from_file(bundle.tokenizer_file)
    ads = [
        ad("nurse", "Registered Nurse (Nights)", "We care for patients. " * 30, clearance="secret"),
        ad("cook", "Line Cook", "We cook dinner. " * 40, degree="high school diploma", grade="7"),
        ad("short", "Driver", "Drive."),
        ad("long", "Clerk", "We file papers. " * 400),
    ]
    episodes = real_episodes(
        ads,
        3,
        1,
        prompt=SummarizerPrompt(tokenizer, bundle.manifest.limits),
        tokenizer=tokenizer,
        header_of=lambda facts: f"title: {facts.title}",
    )
    assert [episode.job_id for episode in episodes] == ["nurse", "cook"]
    nurse = episodes[0]
    assert (nurse.reference, nurse.header) == (nurse.body, "title: Registered Nurse (Nights)")
    assert len(set(nurse.queries)) == 3
    assert any(query.startswith("registered nurse") for query in nurse.queries)
    assert all("(" not in query for query in nurse.queries)


def test_the_command_line_has_its_own_defaults(tmp_path):
    """Of the tiny scale's it takes what it does not change."""
    options = ["--base", "b", "--from", "a", "--ranker", "r", "--out", str(tmp_path)]
    config = parse_arguments(options)
    assert (config.run.reference, config.run.siblings, config.run.summarizer) == (
        Reference.FACTS,
        8,
        tmp_path / "start",
    )
    assert replace(config, run=replace(config.run, steps=8)) == parse_arguments([*options, "--steps", "8"])
