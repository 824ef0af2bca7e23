"""``precis prune apply``: make the smaller bundle that a plan describes."""

from dataclasses import dataclass
from pathlib import Path

from models.bundle import Bundle, Manifest, Role, load_bundle
from models.training.batches import Batch
from models.training.export import load_weights
from models.training.pruning.derived import check_out, write_derived
from models.training.pruning.plan import Plan, Source, read_plan
from models.training.pruning.prompts import CalibrationText, Reader
from models.training.pruning.pruned import follow_plan
from schemas.errors import ConfigurationError

__all__ = ["ApplyConfig", "apply_plan", "calibration_of"]


@dataclass(frozen=True, slots=True)
class ApplyConfig:
    """What to apply."""

    bundle: Path
    """The ranker that the plan is for."""
    plan: Path
    """File of the plan."""
    out: Path
    """Folder of the new bundle; files of an earlier one are replaced."""


def apply_plan(config: ApplyConfig) -> Manifest:
    """Prune as planned and write the bundle, its canaries scored anew.

    Returns:
        Its manifest.

    Raises:
        ConfigurationError: The plan does not hold together, is for another bundle, or was calibrated on prompts that
            this version of the code does not make any more.
    """
    plan, bundle = read_plan(config.plan), load_bundle(config.bundle, Role.RANKER)
    check_out(config.out, bundle)
    plan.check_fits(Source(name=bundle.manifest.name, revision=bundle.revision))
    model = load_weights(bundle.path)
    layers = follow_plan(model, plan, calibration_of(plan, bundle))
    losses = [entry.neurons_loss for entry in layers if entry.neurons_loss is not None]
    return write_derived(
        model,
        bundle,
        config.out,
        suffix="pruned",
        provenance={
            "command": "precis prune apply",
            "plan_sha256": plan.sha256,
            "plan": plan.model_dump(mode="json", exclude={"layers"}),
        },
        metrics={"mean_neurons_loss": sum(losses) / len(losses)} if losses else {},
    )


def calibration_of(plan: Plan, bundle: Bundle) -> list[Batch]:
    """The prompts that a plan was calibrated on.

    Raises:
        ConfigurationError: This version of the code does not make them any more.
    """
    calibration, batches = Reader.of(bundle).calibration(
        CalibrationText(plan.calibration.text), plan.calibration.queries
    )
    if calibration != plan.calibration:
        raise ConfigurationError(
            f"the plan was calibrated on {plan.calibration.tokens} tokens ({plan.calibration.sha256[:16]}), the "
            f"training data here gives {calibration.tokens} ({calibration.sha256[:16]}): make the plan anew"
        )
    return batches
