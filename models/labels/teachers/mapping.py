"""From what teachers and rules found to a soft label: a stated monotone map, which is data. Pure.

    cos_k = the best, or the mean, of the cosines of the query with the passages of the posting, by teacher k
    x     = sum over teachers k of  w_k (cos_k - mean_k) / std_k  +  w_met num_met  -  w_denied num_denied
    label = f(x),  f piecewise linear through the knots, flat beyond them

No weight is below 0 and f never falls, so a better cosine or one more wish that is met never lowers a label, and a
denied one never raises it. A map is fitted by ``precis label fit-teachers`` on gold grades, and stands whole in the
settings of every label file that was made with it.
"""

import bisect
from collections.abc import Mapping, Sequence
from enum import StrEnum
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from models.labels.lines import Row, parse_row
from models.labels.teachers.rules import Finding, Verdict
from schemas.errors import ConfigurationError, InvalidInput

__all__ = ["MAPS", "Over", "Scale", "TeacherMap", "read_map"]

MAPS = ("world",)
"""Those that come with the code, by name: fitted on the generated world."""

_Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Finite = Annotated[float, Field(allow_inf_nan=False)]


class Over(StrEnum):
    """What a posting's cosine is over its passages."""

    BEST = "best"
    """What answers a query often stands in one of them; but the more a posting has, the better its best by chance."""
    MEAN = "mean"
    """Measured no worse on either judged set, so the one that is fitted unless told otherwise."""

    def __call__(self, cosines: Sequence[float]) -> float:
        """One of many."""
        return max(cosines) if self is Over.BEST else fmean(cosines)


class Scale(Row):
    """What makes the cosines of one teacher comparable: those of e5 lie between 0.7 and 0.9, whatever is compared."""

    mean: _Finite
    std: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    weight: _Weight


class TeacherMap(Row):
    """A map.

    Attributes:
        over: How the cosines of passages become one.
        teachers: By name; one that is left out has no say.
        met: Weight of a wish that is met.
        denied: Weight of one that is denied.
        knots: (x, label), x rising, labels from 0 to 1 never falling.
        fitted_on: What gold it was fitted on, for people.
    """

    format: Literal["precis.teacher-map/1"]
    over: Annotated[Over, Field(strict=False)]
    teachers: dict[str, Scale]
    met: _Weight
    denied: _Weight
    knots: Annotated[list[Annotated[list[_Finite], Field(min_length=2, max_length=2)]], Field(min_length=1)]
    fitted_on: dict[str, JsonValue]

    @model_validator(mode="after")
    def _check_monotone(self) -> Self:
        xs, labels = ([knot[at] for knot in self.knots] for at in (0, 1))
        if any(b <= a for a, b in pairwise(xs)) or labels != sorted(labels):
            raise PydanticCustomError("knots", "`knots` must rise in x and not fall in the label")
        if labels[0] < 0 or labels[-1] > 1:
            raise PydanticCustomError("knots", "labels of `knots` must be from 0 to 1")
        return self

    def score(self, cosines: Mapping[str, Sequence[float]], found: Sequence[Finding]) -> float:
        """The x of a pair.

        Args:
            cosines: By name, of every teacher of the map: one a passage, at least one.
            found: By the rules.
        """
        verdicts = [finding.verdict for finding in found]
        topic = sum(
            scale.weight * (self.over(cosines[name]) - scale.mean) / scale.std for name, scale in self.teachers.items()
        )
        return topic + self.met * verdicts.count(Verdict.MET) - self.denied * verdicts.count(Verdict.DENIED)

    def label(self, score: float) -> float:
        """The f of x, from 0 to 1."""
        at = bisect.bisect_right(self.knots, score, key=lambda knot: knot[0])
        if at in {0, len(self.knots)}:
            return self.knots[max(0, at - 1)][1]
        (x0, low), (x1, high) = self.knots[at - 1], self.knots[at]
        return low + (high - low) * (score - x0) / (x1 - x0)


def read_map(name: str) -> TeacherMap:
    """One of :data:`MAPS`, or a file.

    Raises:
        ConfigurationError: There is no such file, or it is no map.
    """
    if name in MAPS:
        content = files("models.labels.teachers").joinpath(f"map_{name}.json").read_bytes()
    else:
        try:
            content = Path(name).read_bytes()
        except OSError as error:
            raise ConfigurationError(
                f"map {name!r} is no file that can be read ({error.strerror}), nor one of those that come with the "
                f"code: {', '.join(MAPS)}"
            ) from error
    try:
        return parse_row(name, content, TeacherMap)
    except InvalidInput as error:
        raise ConfigurationError(f"{error}: `precis label fit-teachers` writes maps") from error
