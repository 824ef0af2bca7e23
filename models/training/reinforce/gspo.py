"""Train the summarizer by reinforcement: ``precis train gspo --out DIR``.

The folder then holds ``bundle`` (the trained checkpoint bundle), ``result.json`` (what was measured before and after),
``training.jsonl`` (numbers, one line a rollout), ``samples.jsonl`` (a summary of every posting on the way),
``tensorboard`` and ``training.png``. Run again after a kill, it goes on from its last checkpoint; finished, it is done.
"""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from models.bundle import Bundle, Role, load_bundle
from models.prompts import SummarizerPrompt, TextTokenizer
from models.training.architecture import CausalModel
from models.training.command_line import training_command
from models.training.corpora import Corpus, evaluation_corpus, training_corpus
from models.training.export import load_weights, versions, write_manifest
from models.training.identity import data_digest, fingerprint
from models.training.reinforce.config import GspoConfig, add_options, config_of, settings_of
from models.training.reinforce.episodes import Episode, draw_episodes
from models.training.reinforce.held_out import HeldOut
from models.training.reinforce.picture import draw_run
from models.training.reinforce.policy import Policy, WholePolicy
from models.training.reinforce.reader import Reader
from models.training.reinforce.records import read_rows, write_json
from models.training.reinforce.trainer import train_policy
from models.training.summarizer_report import summarizer_canaries
from schemas.errors import ConfigurationError

__all__ = ["BEFORE", "main", "show"]

BEFORE = "before.json"
"""What the start was measured at."""

_QUERIES_A_POSTING = 2
"""Queries drawn a posting; each has eight candidates, so a posting is asked about by some sixteen."""
_CANARIES = 3


def main(
    config: GspoConfig,
    held_out: HeldOut | None = None,
    policy: Callable[[Bundle], Policy] = WholePolicy,
    more: Callable[[SummarizerPrompt, TextTokenizer], Sequence[Episode]] | None = None,
    about: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Measure, train, measure again, and write the bundle.

    Args:
        config: The run.
        held_out: What is measured on, and the ranker that rewards; made of the settings where it is not given.
        policy: Makes what is trained of the bundle to start from.
        more: Draws episodes beside those of the generated world, for the summarizer's prompt and tokenizer.
        about: What else the result follows from.

    Returns:
        The content of ``result.json``.

    Raises:
        ConfigurationError: A bundle is missing, or the folder holds another run.
    """
    torch.set_num_threads(config.threads)
    summarizer, ranker = load_bundle(config.summarizer, Role.SUMMARIZER), load_bundle(config.ranker, Role.RANKER)
    corpus = training_corpus(config.postings, _QUERIES_A_POSTING * config.postings)
    provenance = {
        "command": "precis train gspo",
        "config": settings_of(config),
        "started_from": summarizer.revision,
        "ranker": ranker.revision,
        "data_sha256": data_digest(corpus.postings, corpus.judged),
        "versions": versions(),
        **(about or {}),
    }
    provenance["fingerprint"] = fingerprint(provenance)
    result_file = config.out / "result.json"
    if _is_finished(config.out, provenance["fingerprint"]):
        return json.loads(result_file.read_text(encoding="utf-8"))
    started = time.monotonic()
    if held_out is None:
        held_out = HeldOut(evaluation_corpus(), config.evaluated, Reader(ranker), config.reference)
    run = _Run(config, summarizer, policy(summarizer), held_out)
    before = run.before()
    run.train(corpus, more)
    after = run.export(provenance)
    title = f"{config.algorithm}, {config.penalty} penalty, w = {config.weight}, seed {config.seed}"
    draw_run(read_rows(config.out / "training.jsonl"), title, config.out / "training.png")
    references = _rounded(held_out.of_references())
    seconds = round(time.monotonic() - started, 1)  # of the last start, where there were several
    result = {**provenance, "references": references, "before": before, "after": after, "seconds": seconds}
    write_json(result_file, result)
    shutil.rmtree(config.out / "checkpoints", ignore_errors=True)
    return result


def _is_finished(out: Path, identity: str) -> bool:
    """Take the folder for this run; whether it was finished before."""
    out.mkdir(parents=True, exist_ok=True)
    owner = out / "run.json"
    if owner.exists() and json.loads(owner.read_text(encoding="utf-8"))["fingerprint"] != identity:
        message = f"{str(out)!r} holds a run of other settings, bundles or data: choose another --out, or remove it"
        raise ConfigurationError(message)
    write_json(owner, {"fingerprint": identity})
    return (out / "result.json").exists()


class _Run:
    """The steps of a run, in the order of their methods."""

    def __init__(self, config: GspoConfig, start: Bundle, policy: Policy, held_out: HeldOut) -> None:
        self._config, self._start, self._policy, self._held_out = config, start, policy, held_out
        self._tokenizer = TextTokenizer.from_file(start.tokenizer_file)
        self._prompt = SummarizerPrompt(self._tokenizer, start.manifest.limits)

    def before(self) -> dict[str, float]:
        """What the start is worth, measured once a run."""
        file = self._config.out / BEFORE
        if not file.exists():
            write_json(file, self._measured(load_weights(self._start.path)))
        return json.loads(file.read_text(encoding="utf-8"))

    def train(
        self, corpus: Corpus, more: Callable[[SummarizerPrompt, TextTokenizer], Sequence[Episode]] | None
    ) -> None:
        """From the last checkpoint, where there is one."""
        config, reader = self._config, self._held_out.reader
        if not config.steps:
            return
        episodes = draw_episodes(
            corpus,
            config.queries,
            config.seed,
            prompt=self._prompt,
            tokenizer=self._tokenizer,
            header=reader.header,
            reference=config.reference,
            noise=config.noise,
        )
        if more is not None:
            episodes += more(self._prompt, self._tokenizer)
        train_policy(config, self._policy, episodes, reader, self._prompt, self._tokenizer)

    def export(self, provenance: dict[str, Any]) -> dict[str, float]:
        """Write the bundle; what its weights, as stored, are worth."""
        folder = self._config.out / "bundle"
        trained = self._policy.store(folder)
        metrics = self._measured(trained)
        changed = {
            "name": f"{self._start.manifest.name}-{self._config.algorithm}",
            "canaries": summarizer_canaries(
                trained, self._tokenizer, self._prompt, evaluation_corpus().postings[:_CANARIES]
            ),
            "provenance": provenance,
            "metrics": metrics,
        }
        write_manifest(self._start.manifest.model_copy(update=changed), folder)
        return metrics

    def _measured(self, model: CausalModel) -> dict[str, float]:
        return _rounded(self._held_out.measure(model, self._prompt, self._tokenizer))


def _rounded(measures: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 5) for name, value in measures.items()}


def parse_arguments(arguments: Sequence[str] | None = None) -> GspoConfig:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="precis train gspo", description="Train the summarizer by reinforcement.")
    add_options(parser)
    return config_of(parser.parse_args(arguments))


def show(outcome: Mapping[str, Any]) -> int:
    """Print what a finished run measured; the command's exit status."""
    print(json.dumps({name: outcome[name] for name in ("references", "before", "after")}, indent=2))  # noqa: T201
    return 0


@training_command
def _command() -> int:
    return show(main(parse_arguments()))


if __name__ == "__main__":
    sys.exit(_command())
