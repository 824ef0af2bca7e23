"""The figures of arXiv 2510.22101, as summaries of it quote them: second-hand, the paper's tables were not at hand.

Theirs are of a 0.6B ranker on LinkedIn's own judged job searches: they show the shape to expect, not a number to meet.
"""

__all__ = ["CHAIN", "CHAIN_SPEED", "COMPRESSED", "FIRST_LAYER", "LAST_LAYER", "PRUNED", "SECOND_HAND"]

SECOND_HAND = (
    "Figures of the paper (arXiv 2510.22101) are second-hand, from summaries that quote it; they are of a 0.6B ranker "
    "on other data."
)
LAST_LAYER = "-0.0009 (Table 2)"
FIRST_LAYER = "-0.3356 (Table 2)"
PRUNED = "-0.0074 absolute: half the MLP and the last 8 of 28 layers, after recovery (Table 3)"
COMPRESSED = "-2 % at 93 % compression (Table 5)"
CHAIN = "-2.3 % (0.9432 to 0.9218)"
CHAIN_SPEED = "290 to 2,200 items/s on one H100"
