"""What is taught for each grade."""

__all__ = ["SOFT_LABELS"]

SOFT_LABELS = (0.02, 0.15, 0.45, 0.75, 0.97)
"""Probability of the answer " yes" that is taught for grades 0 to 4."""
