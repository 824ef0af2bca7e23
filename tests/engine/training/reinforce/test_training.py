"""The training itself: TRL's settings, resuming after a kill, and a whole run from its settings to the bundle."""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, Qwen3ForCausalLM

from models.bundle import Bundle, Role, load_bundle
from models.prompts import SummarizerPrompt, TextTokenizer
from models.training.corpora import Corpus, evaluation_corpus
from models.training.export import load_weights
from models.training.generation import greedy
from models.training.reinforce.config import Algorithm, GspoConfig
from models.training.reinforce.episodes import Episode, Reference
from models.training.reinforce.held_out import HeldOut
from models.training.reinforce.policy import WholePolicy
from models.training.reinforce.reader import Reader, Reading
from models.training.reinforce.records import read_rows
from schemas.errors import ConfigurationError
from tests.doubles.killed import Killed

if find_spec("trl"):
    from datasets import Dataset
    from trl import GRPOTrainer

    from models.training.reinforce import gspo
    from models.training.reinforce.trainer import SiblingTrainer, last_checkpoint, train_policy, trl_config

pytestmark = pytest.mark.training


class MortalReader:
    """The real reader, killed when it is asked a given time."""

    def __init__(self, reader: Reader, dies_at: int) -> None:
        self.reader, self.left = reader, dies_at

    def answers(self, readings: list[Reading]) -> list[float]:
        self.left -= 1
        if not self.left:
            raise Killed
        return self.reader.answers(readings)


def small(out: Path, **settings: object) -> GspoConfig:
    return GspoConfig(
        out,
        steps=4,
        siblings=2,
        prompts=2,
        save_every=1,
        learning_rate=1e-4,
        temperature=2.0,
        reference=Reference.FACTS,
        **settings,
    )


@pytest.mark.parametrize(
    ("algorithm", "level", "below", "above"),
    [(Algorithm.GSPO, "sequence", 3e-4, 4e-4), (Algorithm.GRPO, "token", 0.2, 0.2)],
)
def test_trl_computes_the_algorithm_that_was_asked_for(
    tmp_path: Path, algorithm: Algorithm, level: str, below: float, above: float
) -> None:
    """Its defaults would not: another loss, and no old samples, so nothing to clip."""
    config = trl_config(replace(GspoConfig(tmp_path), algorithm=algorithm), 96)
    assert (config.importance_sampling_level, config.epsilon, config.epsilon_high) == (level, below, above)
    assert config.loss_type == "grpo"
    assert config.steps_per_generation > config.gradient_accumulation_steps
    assert config.generation_batch_size == 8 * 4
    assert config.reward_weights == [1.0, 0.4, 0.1]
    assert (config.bf16, config.fp16, config.gradient_checkpointing) == (False, False, False)


def test_siblings_are_scored_as_trl_scores_padded_rows(
    tmp_path: Path, summarizer: Bundle, episodes: list[Episode]
) -> None:
    """Two prompts of different lengths, padded on the left, with siblings of different lengths."""
    prompts = [episode.prompt_ids for episode in episodes for _ in range(2)][:4]
    completions = [[5, 6, 7, 1], [8, 1], [9, 10, 1], [11, 12, 13, 14]]
    width, longest = max(map(len, prompts)), max(map(len, completions))
    ids = torch.zeros(4, width + longest, dtype=torch.long)
    there = torch.zeros_like(ids)
    for row, (prompt, completion) in enumerate(zip(prompts, completions, strict=True)):
        span = slice(width - len(prompt), width + len(completion))
        ids[row, span], there[row, span] = torch.tensor([*prompt, *completion]), 1
    trainer = SiblingTrainer(
        model=load_weights(summarizer.path),
        reward_funcs=[lambda **_: None] * 3,
        args=trl_config(small(tmp_path), longest),
        train_dataset=Dataset.from_dict({"prompt": ["a"]}),
        processing_class=AutoTokenizer.from_pretrained(summarizer.path, local_files_only=True),
    )
    found, wanted = (
        vars(kind)["_get_per_token_logps_and_entropies"](
            trainer, trainer.model, ids, there, longest, compute_entropy=True
        )
        for kind in (SiblingTrainer, GRPOTrainer)
    )
    for one, other in zip(found[:2], wanted[:2], strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_a_killed_training_ends_as_one_that_was_left_alone(
    tmp_path: Path,
    summarizer: Bundle,
    reader: Reader,
    episodes: list[Episode],
    prompt: SummarizerPrompt,
    tokenizer: TextTokenizer,
) -> None:
    """Killed inside its second rollout and started again: the same weights, bit for bit, the same rows and samples."""

    def run(name: str, judge: object) -> Qwen3ForCausalLM:
        policy = WholePolicy(summarizer)
        train_policy(small(tmp_path / name), policy, episodes, judge, prompt, tokenizer)
        return policy.model

    undisturbed = run("undisturbed", reader)
    with pytest.raises(Killed):
        # Summaries and two references of the first rollout are three questions; the fourth belongs to the second.
        run("killed", MortalReader(reader, dies_at=4))
    checkpoint = last_checkpoint(tmp_path / "killed" / "checkpoints")
    assert checkpoint is not None
    assert checkpoint.name == "checkpoint-2"
    run("killed", reader)
    resumed = run("killed", reader)  # killed again, after the last step: nothing is left to do, and nothing is lost

    start = load_weights(summarizer.path)
    assert not torch.equal(undisturbed.model.embed_tokens.weight, start.model.embed_tokens.weight)
    for (name, left), right in zip(undisturbed.named_parameters(), resumed.parameters(), strict=True):
        assert torch.equal(left, right), name
    for file in ("training.jsonl", "samples.jsonl"):
        left, right = (read_rows(tmp_path / each / file) for each in ("undisturbed", "killed"))
        assert left
        assert [row | {"step_seconds": 0} for row in left] == [row | {"step_seconds": 0} for row in right]
    rows = read_rows(tmp_path / "killed" / "training.jsonl")
    assert [row["step"] for row in rows] == [2, 4]
    assert {"reward", "divergence", "length", "faithfulness", "tokens", "clip_fraction", "drift_kl"} <= rows[0].keys()
    assert list((tmp_path / "killed" / "tensorboard").glob("events.*"))


def test_a_checkpoint_that_was_cut_off_is_not_resumed_from(tmp_path: Path) -> None:
    """The trainer's state is written last; 10 comes after 8."""
    for step, file in ((8, "trainer_state.json"), (10, "trainer_state.json"), (12, "model.safetensors")):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / file).touch()
    found = last_checkpoint(tmp_path)
    assert found is not None
    assert found.name == "checkpoint-10"
    assert last_checkpoint(tmp_path / "none") is None


def test_a_run_writes_a_bundle_and_is_not_repeated(
    tmp_path: Path, reader: Reader, tokenizer: TextTokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measured before and after, with numbers, picture and canaries; other settings in its folder are refused."""
    corpus = evaluation_corpus()
    entry = corpus.judged[0]
    few = replace(entry, candidates=entry.candidates[:3], grades=entry.grades[:3])
    held_out = HeldOut(Corpus(corpus.postings, [few]), 1, reader, Reference.FACTS)
    config = replace(small(tmp_path / "run", queries=1, postings=24), steps=2)
    result = gspo.main(config, held_out)

    bundle = load_bundle(tmp_path / "run" / "bundle", Role.SUMMARIZER)
    assert bundle.manifest.name == "summarizer-tiny-gspo"
    assert bundle.manifest.is_extractive
    assert bundle.manifest.metrics == result["after"]
    canary = bundle.manifest.canaries[0]
    assert greedy(load_weights(bundle.path), [canary.prompt_ids], 1, 96) == [list(canary.output_ids)]
    assert TextTokenizer.from_file(bundle.tokenizer_file).digest == tokenizer.digest
    assert result["before"].keys() == result["after"].keys() >= {"ndcg_at_10", "divergence", "item_ratio"}
    assert result["references"]["ndcg_at_10_reference"] == result["references"]["ndcg_at_10_all_facts"]
    assert result["config"]["weight"] == 0.4
    assert (tmp_path / "run" / "training.png").read_bytes().startswith(b"\x89PNG")
    assert not (tmp_path / "run" / "checkpoints").exists()

    written = bundle.path.stat().st_mtime_ns
    assert gspo.main(config, held_out) == result
    assert bundle.path.stat().st_mtime_ns == written
    with pytest.raises(ConfigurationError, match="another --out"):
        gspo.main(replace(config, weight=0.8), held_out)
