"""A pruning plan: what is kept of which bundle, and why. A JSON file to read, change and apply."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.training.pruning.methods import MethodName
from schemas.errors import ConfigurationError

__all__ = ["Calibration", "LayerPlan", "Plan", "PlanShape", "Source", "kept_count", "read_plan", "write_plan"]

_NUMBERS = re.compile(r"\[\s+([\d,\s]+?)\s+\]")
"""A list of numbers that takes a line each."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Part):
    """The bundle that a plan is for."""

    name: str
    revision: str
    """Digest of weights, config and tokenizer."""


class Calibration(_Part):
    """The prompts whose hidden states the plan was made from."""

    text: Literal["summaries", "full-text"]
    """What stands in the prompts: summaries, as in serving, or whole bodies."""
    queries: Annotated[int, Field(gt=0)]
    """So many of the training split, with all their candidates."""
    prompts: int
    tokens: int
    sha256: str
    """Over all token ids."""


class PlanShape(_Part):
    """Sizes before and after."""

    layers: int
    neurons: int
    kv_heads: int
    parameters: int
    """Tied embeddings count once."""


class LayerPlan(_Part):
    """What is kept of one layer."""

    layer: int
    """Its index in the bundle that the plan is for."""
    neurons_loss: float | None = None
    """Part of the MLP's outputs that is lost on the calibration prompts; None where no neuron is removed."""
    kv_heads_loss: float | None = None
    """The same of the attention."""
    kept_kv_heads: tuple[int, ...] | None = None
    """None: all."""
    kept_neurons: tuple[int, ...] | None = None
    """None: all."""


class Plan(_Part):
    """The content of a plan file.

    Kept indices may be changed by hand; ``apply`` refits to whatever stands here. Every layer must keep as much as the
    others.
    """

    format: Literal["precis.pruning/1"] = "precis.pruning/1"
    bundle: Source
    method: MethodName
    """How indices were chosen, and whether the kept weights are refitted."""
    seed: int
    """Of the random methods."""
    ridge: float
    """Part of the mean diagonal that is added to it in every refit."""
    calibration: Calibration
    before: PlanShape
    after: PlanShape
    dropped_layers: tuple[int, ...] = ()
    layers: tuple[LayerPlan, ...]
    """The others, in order."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        named = [entry.layer for entry in self.layers]
        if not named or sorted([*named, *self.dropped_layers]) != list(range(self.before.layers)):
            message = f"layers and dropped_layers must name each of the {self.before.layers} layers once, one kept"
            raise ValueError(message)
        if named != sorted(named):
            raise ValueError("layers must be in ascending order")
        for field, before, after in (
            ("kept_neurons", self.before.neurons, self.after.neurons),
            ("kept_kv_heads", self.before.kv_heads, self.after.kv_heads),
        ):
            for entry in self.layers:
                _check_kept(getattr(entry, field), before, after, f"{field} of layer {entry.layer}")
        return self

    @property
    def sha256(self) -> str:
        """Identity of the plan, whatever its layout in a file."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    def as_lines(self) -> Iterator[str]:
        """What it does, to print."""
        before, after = self.before, self.after
        change = after.parameters / before.parameters - 1
        dropped = ", ".join(map(str, self.dropped_layers)) or "none"
        yield f"{self.bundle.name} at {self.bundle.revision}: {self.method}, layers dropped: {dropped}"
        yield f"parameters: {before.parameters:,} to {after.parameters:,} ({change:+.1%})"
        yield f"neurons a layer: {before.neurons} to {after.neurons}"
        yield f"key-value heads a layer: {before.kv_heads} to {after.kv_heads}"
        for entry in self.layers:
            losses = (("MLP", entry.neurons_loss), ("attention", entry.kv_heads_loss))
            said = [f"{what} loses {loss:.5f} of its outputs" for what, loss in losses if loss is not None]
            yield f"  layer {entry.layer}: {', '.join(said) or 'unchanged'}"

    def check_fits(self, source: Source) -> None:
        """Refuse a bundle that the plan is not for.

        Raises:
            ConfigurationError: It has another revision.
        """
        if source.revision != self.bundle.revision:
            raise ConfigurationError(
                f"the plan is for {self.bundle.name} at revision {self.bundle.revision}, this bundle is {source.name} "
                f"at {source.revision}: give the bundle planned for, or make a new plan with `precis prune plan`"
            )


def _check_kept(kept: tuple[int, ...] | None, before: int, after: int, what: str) -> None:
    indices: Iterable[int] = range(before) if kept is None else kept
    chosen = list(indices)
    if len(chosen) != after:
        raise ValueError(f"{what}: {len(chosen)} are kept, {after} as the shape says: layers keep equal numbers")
    if chosen != sorted(set(chosen)) or chosen[0] < 0 or chosen[-1] >= before:
        raise ValueError(f"{what}: indices must ascend within 0 to {before - 1}")


def kept_count(share: float, total: int, granularity: int, what: str) -> int:
    """How many of ``total`` to keep: the multiple of the granularity nearest to the share.

    Args:
        share: Wanted, above 0 and at most 1; 1 keeps all.
        total: There are so many.
        granularity: Kernels are fast at multiples of it.
        what: They are called so, in messages.

    Raises:
        ConfigurationError: The share is out of range, or rounds to none or to all.
    """
    if not 0 < share <= 1:
        raise ConfigurationError(f"{share} of the {what} cannot be kept: give a share above 0, at most 1")
    if share == 1:
        return total
    kept = round(share * total / granularity) * granularity
    if not 0 < kept < total:
        raise ConfigurationError(
            f"{share} of {total} {what} rounds to {'none' if kept <= 0 else 'all'} of them in steps of {granularity}: "
            f"give a share from {granularity / total:.4g} to {(total - 1) // granularity * granularity / total:.4g}, "
            "or a finer granularity"
        )
    return kept


def read_plan(file: Path) -> Plan:
    """Read and check a plan.

    Raises:
        ConfigurationError: It cannot be read, or does not hold together; the message says where.
    """
    try:
        return Plan.model_validate_json(file.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"plan {str(file)!r} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'plan'}: {item['msg']}" for item in error.errors()[:3]
        )
        message = f"plan {str(file)!r} does not fit: {problems}. Make it with `precis prune plan`"
        raise ConfigurationError(message) from error


def write_plan(plan: Plan, file: Path) -> None:
    """Write a plan, each list of indices on one line."""
    text = plan.model_dump_json(indent=2, exclude_none=True)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(_NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n", encoding="utf-8")
