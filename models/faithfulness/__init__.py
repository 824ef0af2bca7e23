"""The faithfulness gate: whether a summary says only what its source says, and in the form that was promised.

Rules, no model, linear in the source: what a rule cannot decide passes. See :func:`judge` for what is refused.
"""

from models.faithfulness.answer import judge_answer
from models.faithfulness.judge import judge
from models.faithfulness.verdict import FAITHFUL, Reason, Verdict

__all__ = ["FAITHFUL", "Reason", "Verdict", "judge", "judge_answer"]
