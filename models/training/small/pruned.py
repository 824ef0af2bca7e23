"""Train what a pruned small ranker needs on top of its plan: ``precis train small-pruned --plan FILE --out DIR``.

1. The plan, made by `precis prune plan`, says what is kept; slicing by it is exact (:mod:`slicing`). 2. What OSSCAR's
refit would change is begun with, as the nearest adapter. 3. The adapter is trained on soft labels and on the answers of
the unpruned ranker. Plan and adapter are a few megabytes; `precis bundle fetch small` makes the bundle of them.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from models.bundle import Bundle, Manifest, Role, load_bundle
from models.prompts import RankerPrompt, TextTokenizer
from models.training.architecture import CausalModel
from models.training.command_line import run_recipe
from models.training.export import load_weights
from models.training.pruning.applying import calibration_of
from models.training.pruning.lessons import Answers, Lesson, losses_of
from models.training.pruning.plan import Plan, read_plan
from models.training.pruning.pruned import follow_plan
from models.training.small.adapter import approach, with_adapter
from models.training.small.development import Development
from models.training.small.material import MaterialConfig, add_material_options, draw_material, taken_material
from models.training.small.running import Run, RunConfig, add_run_options, make_ready, taken_run
from models.training.small.slicing import PLAN, write_sliced

__all__ = ["SmallPrunedConfig", "changes_of", "main", "sliced_model"]

_LEAST_LENGTH = 0.55
_RUN = RunConfig(steps=400, rank=16, measured_every=200)


@dataclass(frozen=True, slots=True)
class SmallPrunedConfig:
    """A recovery.

    Attributes:
        out: Folder of the adapter, the plan and ``precis.json``.
        bundle: The unpruned small ranker.
        plan: File of the plan.
        material: What is learnt from; its seed is also that of the adapter.
        run: How it goes; every matrix of every layer that is left gets an adapter.
    """

    out: Path
    bundle: Path
    plan: Path
    material: MaterialConfig = field(default_factory=MaterialConfig)
    run: RunConfig = _RUN


def main(config: SmallPrunedConfig) -> Manifest:
    """Train, and write the adapter with plan and manifest.

    Returns:
        The manifest.

    Raises:
        ConfigurationError: The plan is for another bundle or takes heads away; data or teachers are not there.
    """
    torch.set_num_threads(config.run.threads)
    bundle, plan = load_bundle(config.bundle, Role.RANKER), read_plan(config.plan)
    text, limits = TextTokenizer.from_file(bundle.tokenizer_file), bundle.manifest.limits
    prompt = RankerPrompt(text, limits)
    provenance = {
        "command": "python -m models.training.small.pruned",
        "made_from": {"name": bundle.manifest.name, "revision": bundle.revision},
        "plan_sha256": plan.sha256,
        "lesson": Lesson.BOTH.value,
    }
    torch.manual_seed(config.material.seed)
    model, refitted, teacher = sliced_model(bundle, plan), load_weights(bundle.path), load_weights(bundle.path)
    follow_plan(refitted, plan, calibration_of(plan, bundle))
    adapted = with_adapter(model, config.run.rank, model.config.num_hidden_layers)
    approach(adapted, changes_of(model, refitted))
    material = draw_material(config.material, text, prompt, limits)
    run = Run(f"{bundle.manifest.name}-pruned", config.out, config.run, {**provenance, **material.provenance})
    development = Development(prompt, limits, material)
    before = {"unpruned": development.ndcg(teacher), "refitted": development.ndcg(refitted)}
    make_ready(config.run, model, teacher)
    answers, asked = (Answers(each, prompt.label_token_ids) for each in (model, teacher))
    losses = losses_of(answers, asked, material.data.of_step, Lesson.BOTH, least_length=_LEAST_LENGTH)
    loss = run.learn(answers, losses, lambda: development.ndcg(model))
    config.out.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(config.plan, config.out / PLAN)
    metrics = {f"development_ndcg_at_10_{name}": value for name, value in before.items()}
    return run.store(adapted, bundle.path, development.manifest_of(run, loss, metrics))


def sliced_model(bundle: Bundle, plan: Plan) -> CausalModel:
    """The smaller model as slicing alone makes it."""
    with tempfile.TemporaryDirectory() as folder:
        write_sliced(bundle, plan, Path(folder))
        return load_weights(Path(folder))


def changes_of(sliced: CausalModel, refitted: CausalModel) -> dict[str, torch.Tensor]:
    """What the refit adds to the down projections of the sliced model, by name."""
    wanted = dict(refitted.named_parameters())
    found = {}
    for name, module in sliced.named_modules():
        if name.endswith("down_proj"):
            found[f"{name}.weight"] = wanted[f"{name}.weight"].data - module.base_layer.weight.data
    return found


def parse_arguments(arguments: Sequence[str] | None = None) -> SmallPrunedConfig:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="precis train small-pruned", description="Recover a pruned small ranker.")
    parser.add_argument("--out", type=Path, required=True, help="folder of adapter and plan")
    parser.add_argument("--bundle", type=Path, required=True, help="the unpruned small ranker")
    parser.add_argument("--plan", type=Path, required=True, help="what `precis prune plan` wrote")
    add_material_options(parser)
    add_run_options(parser, _RUN)
    options = vars(parser.parse_args(arguments))
    return SmallPrunedConfig(material=taken_material(options), run=taken_run(options, _RUN), **options)


if __name__ == "__main__":
    sys.exit(run_recipe(parse_arguments, main))
