"""``precis prune plan``: decide what is kept of a ranker, and write it down."""

from dataclasses import dataclass, replace
from pathlib import Path

from models.bundle import Role, load_bundle
from models.training.export import load_weights
from models.training.pruning.plan import Plan, Source, write_plan
from models.training.pruning.prompts import CalibrationText, Reader
from models.training.pruning.pruned import Target, last_layers, prune, shape_of

__all__ = ["PlanConfig", "make_plan"]


@dataclass(frozen=True, slots=True)
class PlanConfig:
    """What to plan."""

    bundle: Path
    """Ranker."""
    out: Path
    """File of the plan."""
    target: Target
    """How much to keep, and how to choose it."""
    drop_last: int = 0
    """So many last layers are dropped where the target names none."""
    text: CalibrationText = CalibrationText.SUMMARIES
    """What stands in calibration prompts."""
    queries: int = 64
    """Calibration queries, up to eight prompts each."""


def make_plan(config: PlanConfig) -> Plan:
    """Choose on the calibration prompts, and write the plan.

    Raises:
        ConfigurationError: The bundle is not a ranker's, or the target does not fit it.
    """
    bundle = load_bundle(config.bundle, Role.RANKER)
    model = load_weights(bundle.path)
    before = shape_of(model)
    target = config.target
    if not target.dropped_layers:
        target = replace(target, dropped_layers=last_layers(config.drop_last, before.layers))
    calibration, batches = Reader.of(bundle).calibration(config.text, config.queries)
    layers = prune(model, target, batches)
    plan = Plan(
        bundle=Source(name=bundle.manifest.name, revision=bundle.revision),
        method=target.method,
        seed=target.settings.seed,
        ridge=target.settings.ridge,
        calibration=calibration,
        before=before,
        after=shape_of(model),
        dropped_layers=target.dropped_layers,
        layers=layers,
    )
    write_plan(plan, config.out)
    return plan
