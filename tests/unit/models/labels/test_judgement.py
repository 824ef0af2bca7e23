"""From answers to soft labels."""

import math

import pytest

from models.labels.judgement import Method, Token, from_samples, from_tokens, grade_in
from schemas.errors import InvalidInput


def token(text: str, **top: float) -> Token:
    """A position with probabilities; the names ``g3`` and ``s3`` stand for ``3`` and `` 3``."""
    names = {"g": "{}", "s": " {}"}
    told = {names[name[0]].format(name[1:]): math.log(share) for name, share in top.items()}
    return Token(text, told.get(text, math.log(0.5)), told)


def test_the_label_is_the_expected_grade_over_four():
    """0.2 * 2 + 0.7 * 3 + 0.1 * 4 = 2.9, which the most likely digit alone would call 3."""
    judgement = from_tokens([token("3", g2=0.2, g3=0.7, g4=0.1)])
    assert judgement.probabilities == pytest.approx((0, 0, 0.2, 0.7, 0.1))
    assert judgement.grade == pytest.approx(2.9)
    assert judgement.label == pytest.approx(0.725)
    assert (judgement.method, judgement.mass) == (Method.LOGPROBS, pytest.approx(1))


def test_tokens_of_one_grade_are_added_and_the_rest_is_left_out():
    """Half of the probability is on grades, by two tokens of grade 3 and one of grade 1."""
    told = {"3": math.log(0.25), " 3": math.log(0.15), "1": math.log(0.1), "The": math.log(0.4), "7": math.log(0.1)}
    judgement = from_tokens([Token("3", math.log(0.25), told)])
    assert judgement.probabilities == pytest.approx((0, 0.2, 0, 0.8, 0))
    assert judgement.mass == pytest.approx(0.5)


def test_a_written_token_that_is_not_among_the_likeliest_counts():
    """Some endpoints tell the alternatives only."""
    judgement = from_tokens([Token("4", math.log(0.6), {"3": math.log(0.2)})])
    assert judgement.probabilities == pytest.approx((0, 0, 0, 0.25, 0.75))


def test_the_first_position_that_is_a_grade_counts():
    """Whatever a model puts in front of it."""
    before = [Token("Grade", -0.1, {"2": -3.0}), Token(":", 0.0, {}), Token(" ", 0.0, {})]
    assert from_tokens([*before, token("1", g1=0.5, g2=0.5)]).grade == pytest.approx(1.5)


@pytest.mark.parametrize("texts", [["The"], ["7"], ["1", "0"], ["3", ".5"], [""], []])
def test_an_answer_without_a_grade_is_refused(texts):
    """Neither 10 nor 3.5 is a grade, though each begins like one."""
    with pytest.raises(InvalidInput, match="no grade from 0 to 4"):
        from_tokens([Token(text, -0.1, {"3": -0.1}) for text in texts])


def test_log_probabilities_of_minus_infinity_are_nothing():
    """Some servers say -inf or -9999 for what cannot be; JSON has only the latter."""
    judgement = from_tokens([Token("2", 0.0, {"2": 0.0, "3": -math.inf, "1": -9999.0})])
    assert judgement.probabilities == (0, 0, 1, 0, 0)


def test_samples_give_shares():
    """An answer without grade is left out, and the mass tells."""
    judgement = from_samples(["3", "Grade: 3", "4", "no idea"], Method.SAMPLES)
    assert judgement.probabilities == pytest.approx((0, 0, 0, 2 / 3, 1 / 3))
    assert (judgement.mass, judgement.num_samples, judgement.method) == (0.75, 3, Method.SAMPLES)
    with pytest.raises(InvalidInput, match="'no idea'"):
        from_samples(["no idea"], Method.DIGIT)


@pytest.mark.parametrize(
    ("answer", "grade"),
    [
        ("3", 3),
        (" 0\n", 0),
        ("**4**", 4),
        ("Grade: 2.", 2),
        ("2, since both wishes are met", 2),
        ("I give it 3. So: 3", 3),
        ("on a scale 0 to 4, I say 3", None),
        ("3/4", None),
        ("10", None),
        ("5", None),
        ("3.5", None),
        ("0.5", None),
        ("", None),
    ],
)
def test_a_text_names_one_grade_or_none(answer, grade):
    """Two different digits are a riddle, not a grade."""
    assert grade_in(answer) == grade
