"""How far an engine may be from transformers in float32, and why. The one place that says so for the gate."""

from models.clients.canaries import TOLERANCES as CANARY_TOLERANCES
from ops.engine.launch import Dtype

__all__ = ["LEAST_SCORE_STD", "TOLERANCES"]

TOLERANCES = {Dtype.FLOAT32: 1e-5, Dtype.BFLOAT16: CANARY_TOLERANCES["bfloat16"]}
"""Type of the computation -> largest difference of a score.

float32: the engines' sums go in other orders than transformers', which moves scores of the shipped ranker by some 3e-7.
Thirty times that leaves room for other kernels, and is far below what goes wrong in earnest: one token more or less
moves a score by 1e-3 and up. Services accept more (``models.clients.canaries``): they meet larger models, here the
shipped ones are measured. bfloat16: as there; a report, not a gate.
"""

LEAST_SCORE_STD = 0.1
"""Of the scores, the reference's and the engine's: scores that hardly differ agree whatever an engine does."""
