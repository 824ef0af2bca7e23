"""What of a summarizer's answer is stored, and whether: the one decision that nearline and the models report share."""

from models.faithfulness.judge import judge
from models.faithfulness.verdict import Reason, Verdict
from models.prompts import supported_phrases

__all__ = ["judge_answer"]


def judge_answer(
    answer: str, summary: str, body: str, *, is_finished: bool, is_extractive: bool
) -> tuple[str, Verdict]:
    """The text to store, and what the gate says of it.

    Args:
        answer: As the model wrote it.
        summary: The answer as it would be stored (``SummarizerPrompt.summary``).
        body: What was summarised.
        is_finished: Whether the model ended the answer itself.
        is_extractive: Whether the model promised phrases of the body: those that are not are dropped first.
    """
    if not is_extractive:
        # As the model wrote it: cleaning would hide a broken form.
        return summary, judge(answer, body, is_finished=is_finished)
    phrases = supported_phrases(summary, body)
    if summary and not phrases:
        # Nothing of the answer stands in the body. The gate may know why; words that it lets pass are paraphrase,
        # which an extractive model promised not to write.
        reason = judge(summary, body).reason or Reason.TERM
        return phrases, Verdict(reason, summary)
    return phrases, judge(phrases, body)
