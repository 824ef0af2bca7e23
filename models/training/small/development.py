"""How well a small ranker in training ranks queries that it does not learn from."""

import torch

from models.prompts import RankerPrompt, normalise_query
from models.training.architecture import CausalModel
from models.training.batches import padded
from models.training.examples import Example
from models.training.measures import ndcg_at_10_by_query
from models.training.reference import scores_of
from models.training.small.occupations import OccupationWorld
from models.training.small.ranker_data import SmallRankerData

__all__ = ["ndcg_of"]


def ndcg_of(model: CausalModel, prompt: RankerPrompt, data: SmallRankerData, world: OccupationWorld) -> float:
    """Mean nDCG@10 over the queries of a world, ads read with their first sentences."""
    was_training = model.training
    model.eval()
    scores = []
    for ranking in world.rankings:
        prefix = prompt.query_ids(normalise_query(ranking.query))
        items = [data.lead_ids(world.ads[key].item) for key in ranking.keys]
        batch = padded([Example([*prefix, *item]) for item in items])
        with torch.autocast("cpu", torch.bfloat16):  # as in training
            scores.append(scores_of(model, batch.ids, batch.last, prompt.label_token_ids))
    model.train(was_training)
    measured = ndcg_at_10_by_query([ranking.grades for ranking in world.rankings], scores)
    return sum(measured) / len(measured)
