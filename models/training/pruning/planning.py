"""``precis prune plan``: decide what is kept of a ranker, and write it down."""

from dataclasses import dataclass
from pathlib import Path

from models.bundle import Role, load_bundle
from models.training.export import load_weights
from models.training.pruning.plan import Plan, Source, write_plan
from models.training.pruning.prompts import CalibrationText, Reader
from models.training.pruning.pruned import Target, prune, shape_of

__all__ = ["PlanConfig", "make_plan"]


@dataclass(frozen=True, slots=True)
class PlanConfig:
    """What to plan."""

    bundle: Path
    """Ranker."""
    out: Path
    """File of the plan."""
    target: Target
    text: CalibrationText = CalibrationText.SUMMARIES
    """What stands in calibration prompts."""
    queries: int = 64
    """Calibration queries, eight prompts each."""


def make_plan(config: PlanConfig) -> Plan:
    """Choose on the calibration prompts, and write the plan.

    Raises:
        ConfigurationError: The bundle is not a ranker's, or the target does not fit it.
    """
    bundle = load_bundle(config.bundle, Role.RANKER)
    model = load_weights(bundle.path)
    before = shape_of(model)
    calibration, batches = Reader.of(bundle).calibration(config.text, config.queries)
    layers = prune(model, config.target, batches)
    plan = Plan(
        bundle=Source(name=bundle.manifest.name, revision=bundle.revision),
        method=config.target.method,
        seed=config.target.seed,
        ridge=config.target.ridge,
        calibration=calibration,
        before=before,
        after=shape_of(model),
        dropped_layers=tuple(sorted(config.target.dropped_layers)),
        layers=layers,
    )
    write_plan(plan, config.out)
    return plan
