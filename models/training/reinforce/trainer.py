"""TRL's GRPOTrainer, set up so that it computes GSPO, or GRPO, and nothing else.

Its defaults would not: ``dapo`` weights sequences by their length, and as many steps a generation as gradients are
accumulated leave every importance ratio at 1. bfloat16 and gradient checkpointing are on by default too, and the latter
costs a third more time on a CPU.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import PeftModel
from torch.utils.tensorboard import SummaryWriter
from transformers import AutoTokenizer
from transformers.integrations import TensorBoardCallback
from trl import GRPOConfig, GRPOTrainer
from trl.trainer.utils import split_tensor_dict

from models.prompts import SummarizerPrompt, TextTokenizer
from models.training.reinforce.config import Algorithm, GspoConfig
from models.training.reinforce.episodes import Episode, prompt_order
from models.training.reinforce.policy import Policy
from models.training.reinforce.reader import Reader
from models.training.reinforce.records import Records, append_row, cut_after
from models.training.reinforce.rewards import reward_functions
from models.training.reinforce.rollouts import Rollouts
from models.training.reinforce.siblings import completions_scored

__all__ = ["SiblingTrainer", "last_checkpoint", "train_policy", "trl_config"]

_CLIPS = {Algorithm.GSPO: ("sequence", 3e-4, 4e-4), Algorithm.GRPO: ("token", 0.2, 0.2)}
"""Level of the importance ratio and how far it may go below and above 1: GSPO's as in arXiv 2507.18071, section 5.1."""

_WARM_UP_ROLLOUTS = 2
"""Adam's first step moves every weight by the whole rate: at 1e-4 it moved the policy by 0.5 nats of KL a token."""


class SiblingTrainer(GRPOTrainer):
    """TRL's trainer, but that the siblings of a prompt make one batch, and their prompt is read once.

    TRL shuffles the samples of a rollout among its steps, which leaves little to share. Rewards are compared among
    siblings only, so a batch of them is whole.
    """

    def _prepare_inputs(self, generation_batch: Any) -> Any:
        steps = self.args.steps_per_generation
        if self._step % steps == 0 or self._buffered_inputs is None:
            samples = self._generate_and_score_completions(generation_batch)
            self._buffered_inputs = split_tensor_dict(samples, steps)
        return self._buffered_inputs[self._step % steps]

    def _get_per_token_logps_and_entropies(
        self, model: Any, input_ids: torch.Tensor, attention_mask: torch.Tensor, logits_to_keep: int, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor, None]:
        """Log-probabilities and entropies, each [samples, longest completion], 0 behind the end of a completion."""
        is_token_BN = attention_mask.bool()
        is_written_BT = is_token_BN[:, -logits_to_keep:]
        prompts = _tokens(input_ids[:, :-logits_to_keep], is_token_BN[:, :-logits_to_keep])
        completions = _tokens(input_ids[:, -logits_to_keep:], is_written_BT)
        policy = model.get_base_model() if isinstance(model, PeftModel) else model
        scored = completions_scored(policy, prompts, completions, self.temperature)
        log_probs, entropies = (
            torch.zeros(is_written_BT.shape).masked_scatter(is_written_BT, torch.cat(parts))
            for parts in zip(*scored, strict=True)
        )
        return log_probs, entropies, None


def _tokens(ids_BN: torch.Tensor, is_token_BN: torch.Tensor) -> list[list[int]]:
    """The rows without their padding."""
    return [ids_N[is_token_N].tolist() for ids_N, is_token_N in zip(ids_BN, is_token_BN, strict=True)]


def trl_config(config: GspoConfig, most_tokens: int) -> GRPOConfig:
    """The settings of TRL for a run.

    Args:
        config: The run.
        most_tokens: Longest summary.
    """
    level, below, above = _CLIPS[config.algorithm]
    return GRPOConfig(
        output_dir=str(config.out / "checkpoints"),
        max_steps=config.steps,
        seed=config.seed,
        # What is computed. A rollout of prompts * siblings samples is cut into steps of as many samples as siblings.
        importance_sampling_level=level,
        epsilon=below,
        epsilon_high=above,
        loss_type="grpo",
        scale_rewards="group",
        beta=config.drift_weight,
        reward_weights=[1.0, config.weight, config.faithfulness],
        num_generations=config.siblings,
        per_device_train_batch_size=config.siblings,
        gradient_accumulation_steps=1,
        steps_per_generation=config.prompts,
        num_iterations=1,
        max_completion_length=most_tokens,
        temperature=config.temperature,
        shuffle_dataset=False,  # the order is ours: the same after a kill
        learning_rate=config.learning_rate,
        lr_scheduler_type="constant_with_warmup",
        warmup_steps=_WARM_UP_ROLLOUTS * config.prompts,
        # How it is computed.
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        dataloader_pin_memory=False,
        # What is kept. Checkpoints fall between rollouts, or the samples of one that was begun would be lost.
        save_strategy="steps",
        save_steps=config.save_every * config.prompts,
        save_total_limit=2,
        logging_steps=config.prompts,
        report_to=[],
    )


def last_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint that is whole: TRL writes the trainer's state last."""
    whole = (path.parent for path in folder.glob("checkpoint-*/trainer_state.json"))
    return max(whole, key=_step_of, default=None)


def _step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def train_policy(
    config: GspoConfig,
    policy: Policy,
    episodes: Sequence[Episode],
    reader: Reader,
    prompt: SummarizerPrompt,
    tokenizer: TextTokenizer,
) -> None:
    """Train in place, from the last checkpoint where there is one.

    Weights, optimiser, random state, the order of the postings and the files of numbers go on as if nothing had been.

    Args:
        config: The run.
        policy: What is trained. TRL reads the start once more: from where the model was read, or it copies the adapter.
        episodes: What to learn from.
        reader: Whose answers are rewarded.
        prompt: The summarizer's.
        tokenizer: The summarizer's.
    """
    checkpoint = last_checkpoint(config.out / "checkpoints")
    done = 0 if checkpoint is None else _step_of(checkpoint)
    numbers, samples = config.out / "training.jsonl", config.out / "samples.jsonl"
    cut_after(numbers, done)
    cut_after(samples, done - 1)  # samples carry the number of steps done before them
    by_id = {episode.job_id: episode for episode in episodes}

    def show(step: int, job_id: str, summary: str) -> None:
        append_row(samples, {"step": step, "job_id": job_id, "summary": summary})

    rewards = reward_functions(by_id, reader, config.penalty)
    writer = SummaryWriter(str(config.out / "tensorboard"), purge_step=done + 1)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="You are using 'rollout_func'", category=UserWarning)
        trainer = SiblingTrainer(
            model=policy.trained,
            reward_funcs=rewards,
            args=trl_config(config, prompt.max_output_tokens),
            train_dataset=Dataset.from_dict({"prompt": prompt_order(list(by_id), config.steps, config.seed)}),
            processing_class=AutoTokenizer.from_pretrained(config.summarizer, local_files_only=True),
            callbacks=[Records(numbers), TensorBoardCallback(writer)],
            rollout_func=Rollouts(policy.model, by_id, prompt, tokenizer, config.siblings, show),
        )
    if checkpoint is not None:
        policy.resume(checkpoint)
    trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    writer.close()
