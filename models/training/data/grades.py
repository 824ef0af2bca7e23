"""The rules of relevance: a grade from 0 to 4 for a posting, given what a query means. Pure.

1. Another family of occupations: 0.
2. Each constraint is met (1), contradicted (0) or not mentioned (1/2). The share is the mean over the constraints,
   and 1 where there is none.
3. The same family, another occupation: 1 where the share is at least 1/2, otherwise 0.
4. The same occupation: 4 where every constraint is met; 3 from a share of 2/3; 2 from 1/3; otherwise 1.
"""

from models.training.data.truth import Constraint, GeneratedPosting, GeneratedQuery

__all__ = ["MAX_GRADE", "constraint_share", "grade"]

MAX_GRADE = 4

_HALF = 0.5
# In sixths: shares are sums of halves over one to three wishes, and 2/3 has no exact float.
_SIXTHS, _TWO_THIRDS, _ONE_THIRD = 6, 4, 2


def grade(query: GeneratedQuery, posting: GeneratedPosting) -> int:
    """Relevance of the posting for the query, 0 (none) to 4 (all that was asked)."""
    if posting.family != query.family:
        return 0
    shares = [constraint_share(wish, posting) for wish in query.constraints]
    share = sum(shares) / len(shares) if shares else 1.0  # who asks nothing more is not disappointed
    if posting.occupation != query.occupation:
        return 1 if share >= _HALF else 0
    sixths = round(share * _SIXTHS, 3)
    if sixths >= _SIXTHS:
        return MAX_GRADE
    if sixths >= _TWO_THIRDS:
        return 3
    return 2 if sixths >= _ONE_THIRD else 1


def constraint_share(wish: Constraint, posting: GeneratedPosting) -> float:
    """1 where the posting meets the wish, 0 where it says otherwise, 1/2 where it does not say.

    Experience is what the searcher has: it meets every lower requirement. Skills, certificates and perks do not exclude
    one another, so a posting that names others is silent about the one asked for.
    """
    stated = posting.values.get(wish.kind, frozenset())
    if not stated:
        return _HALF
    if wish.kind == "experience":
        return float(all(int(required) <= int(wish.value) for required in stated))
    if wish.value in stated:
        return 1.0
    return _HALF if wish.kind in {"skill", "cert", "perk"} else 0.0
