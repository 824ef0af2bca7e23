"""Reward: the faithfulness gate of the nearline service.

Not in equation 4 of arXiv 2510.22101; its successor, arXiv 2602.07309, adds a quality term of its own.
"""

from models.faithfulness import judge

__all__ = ["faithfulness_reward"]


def faithfulness_reward(summary: str, body: str, *, is_finished: bool) -> float:
    """-1 for a summary that the gate refuses, 0 for any other, before the weight f.

    What is refused costs a second call of the model and then the fallback, so all reasons weigh alike. An empty summary
    is refused as well: without this term it would be a strong answer, for it has no length. Judged is what was written.
    Of an extractive model the service first drops the phrases that the body does not hold, and of what is left the
    gate refuses next to nothing: of that nothing could be learnt.

    Args:
        summary: One line, as the service stores it.
        body: What was summarised.
        is_finished: Whether the model ended the summary itself.
    """
    return 0.0 if judge(summary, body, is_finished=is_finished).is_faithful else -1.0
