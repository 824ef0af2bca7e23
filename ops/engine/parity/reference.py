"""The reference: ``models.training.reference`` in the engine environment, asked through its standard input."""

import json
import subprocess
from collections.abc import Sequence
from typing import Any

from models.bundle import Bundle
from models.prompts import SummarizerPrompt, TextTokenizer
from ops.engine.parity.inputs import Pack, Prompt
from ops.engines import module_command
from ops.settings import LocalEngine, environment_for
from schemas.errors import BackendUnavailable

__all__ = ["reference_scores", "reference_texts"]

_MODULE = "models.training.reference"


def reference_scores(
    settings: LocalEngine, bundle: Bundle, packs: Sequence[Pack], *, threads: int
) -> list[tuple[float, ...]]:
    """The score of each item, scored alone by transformers in float32; a pack each.

    Raises:
        BackendUnavailable: It failed; the message has the end of what it said.
        ConfigurationError: There is no engine environment.
    """
    pairs = [[pack.query_ids, item] for pack in packs for item in pack.items]
    job = {"pairs": pairs, "labels": bundle.manifest.label_token_ids}
    scores = iter(_asked(settings, bundle, job, threads)["scores"])
    return [tuple(next(scores) for _ in pack.items) for pack in packs]


def reference_texts(
    settings: LocalEngine, bundle: Bundle, prompts: Sequence[Prompt], *, threads: int
) -> tuple[str, ...]:
    """The greedy continuation of each prompt by transformers in float32, as text without special tokens.

    Raises:
        PrecisError: As :func:`reference_scores`.
    """
    tokenizer = TextTokenizer.from_file(bundle.tokenizer_file)
    template = SummarizerPrompt(tokenizer, bundle.manifest.limits)
    job = {
        "prompts": [prompt.ids for prompt in prompts],
        "eos": template.stop_token_ids[0],
        "max_tokens": template.max_output_tokens,
    }
    return tuple(tokenizer.decode(ids) for ids in _asked(settings, bundle, job, threads)["outputs"])


def _asked(settings: LocalEngine, bundle: Bundle, job: dict[str, Any], threads: int) -> dict[str, Any]:
    command = module_command(settings, _MODULE, "--bundle", str(bundle.path), "--threads", str(threads))
    run = subprocess.run(
        command, input=json.dumps(job), capture_output=True, text=True, check=False, env=environment_for({})
    )
    if run.returncode:
        lines = "\n  ".join(run.stderr.strip().splitlines()[-5:])
        raise BackendUnavailable(
            f"the reference ended with {run.returncode}:\n  {lines}", backend="transformers", operation="parity"
        )
    answers: dict[str, Any] = json.loads(run.stdout)
    return answers
