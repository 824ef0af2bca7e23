"""The grade of a real ad."""

from fractions import Fraction

import pytest

from models.training.judged.grades import Kinship, grade_of

HALF = Fraction(1, 2)


@pytest.mark.parametrize(
    ("kinship", "shares", "grade"),
    [
        (Kinship.SAME, [], 4),
        (Kinship.SAME, [1, 1], 4),
        (Kinship.SAME, [1, HALF], 3),
        (Kinship.SAME, [1, 1, 0], 3),  # exactly two thirds
        (Kinship.SAME, [HALF], 2),
        (Kinship.SAME, [1, 0, 0], 2),  # exactly one third
        (Kinship.SAME, [HALF, 0], 1),
        (Kinship.SAME, [0], 1),
        (Kinship.RELATED, [1, 0], 1),
        (Kinship.RELATED, [HALF, 0], 0),
        (Kinship.RELATED, [1], 1),
        (Kinship.NONE, [1, 1], 0),
    ],
)
def test_grade_follows_kinship_and_share(kinship: Kinship, shares: list[Fraction], grade: int) -> None:
    """The rules of the module, borders included."""
    assert grade_of(kinship, [Fraction(share) for share in shares]) == grade
