"""How well a small ranker ranks queries that it does not learn from, and the manifest that says so."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from models.bundle import Manifest, PromptLimits, Role
from models.prompts import RankerPrompt, normalise_query
from models.training.architecture import CausalModel, count_parameters
from models.training.batches import padded
from models.training.examples import Example
from models.training.measures import ndcg_at_10_by_query
from models.training.ranker_report import ranker_canaries
from models.training.reference import scores_of
from models.training.small.material import Material
from models.training.small.running import Run

__all__ = ["Development"]


@dataclass(frozen=True, slots=True)
class Development:
    """What a small ranker is measured by while it is trained.

    Attributes:
        prompt: As it is served.
        limits: Of the prompt.
        material: Queries that are not learnt from are among it.
    """

    prompt: RankerPrompt
    limits: PromptLimits
    material: Material

    def ndcg(self, model: CausalModel) -> float:
        """Mean nDCG@10, ads read with their first sentences."""
        world, was_training, scores = self.material.development, model.training, []
        model.eval()
        for ranking in world.rankings:
            prefix = self.prompt.query_ids(normalise_query(ranking.query))
            items = [self.material.data.lead_ids(world.ads[key].item) for key in ranking.keys]
            batch = padded([Example([*prefix, *item]) for item in items])
            with torch.autocast("cpu", torch.bfloat16):  # as in training
                scores.append(scores_of(model, batch.ids, batch.last, self.prompt.label_token_ids))
        model.train(was_training)
        measured = ndcg_at_10_by_query([ranking.grades for ranking in world.rankings], scores)
        return round(sum(measured) / len(measured), 4)

    def manifest_of(self, run: Run, loss: float, metrics: Mapping[str, float]) -> Callable[[CausalModel], Manifest]:
        """Makes the manifest of a run's bundle.

        Args:
            run: The run.
            loss: At its end.
            metrics: To add.
        """

        def manifest(stored: CausalModel) -> Manifest:
            held_out = self.material.held_out.judged
            return Manifest(
                role=Role.RANKER,
                name=run.name,
                prompt_version=self.prompt.version,
                limits=self.limits,
                label_token_ids=self.prompt.label_token_ids,
                canaries=ranker_canaries(stored, self.prompt, self.material.generated, held_out),
                provenance=run.provenance,
                metrics={
                    "parameters": float(count_parameters(stored)),
                    "train_loss": round(loss, 4),
                    "development_ndcg_at_10": self.ndcg(stored),
                    **metrics,
                },
            )

        return manifest
