"""How likely each position is to be looked at: the position-based model, estimated from clicks. Pure.

    P(click | query q, job d, position k) = theta_k * gamma_qd

A posting is clicked where its position is examined (theta) and it attracts (gamma): Craswell et al., An experimental
comparison of click position-bias models, WSDM 2008. Estimated by turns, as in EM, until theta rests:

    gamma_qd = clicks of qd / sum_k n_qdk theta_k           theta_k = clicks at k / sum_qd n_qdk gamma_qd

with n impressions. This maximises the Poisson likelihood of the counts. Its equation for theta,
    clicks at k = sum_qd (clicks of qd) n_qdk theta_k / sum_j n_qdj theta_j,
has the true theta as a root in expectation, whatever the number of impressions. The EM of the Bernoulli model (Chuklin,
Markov, de Rijke, Click Models for Web Search, 2015) has not: gamma is at most 1 there, so a pair with one click in few
impressions far down drives theta up. With 20 pages a query in a simulated log it gave position 10 a chance of 0.196;
0.126 is true, and this gives 0.126, in a seventh of the time.

Only the product is seen, so theta is relative: the first position with a click has 1. Only a pair that was
shown at two positions or more says anything about them; others are left out, so that a good ranking (better postings
higher up) is not taken for examination. Positions that no chain of such pairs ties to the first have no estimate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from models.labels.click_log import Cell
from schemas.errors import ConfigurationError

__all__ = ["Propensities", "estimate_propensities", "read_propensities"]

_MAX_ROUNDS = 5000
_TOLERANCE = 1e-7
"""Largest change of a propensity in one round at which it has come to rest."""
_LEAST = 1e-6
"""A position that is shown and never clicked is still divided by."""
_FILE = TypeAdapter(dict[Annotated[str, Field(pattern=r"^[1-9]\d{0,3}$")], Annotated[float, Field(gt=0, le=1)]])

_Observed = tuple[int, int, int]
"""Index of a position, impressions, clicks."""


@dataclass(frozen=True, slots=True)
class Propensities:
    """Chance of examination by position, relative to the first one.

    Attributes:
        values: Position -> chance in (0, 1].
        source: ``log`` or ``file``.
        unlinked: Positions of the log without an estimate.
        num_pairs: Pairs that the estimate rests on.
        num_rounds: Of the estimate; 0 for a file.
        has_converged: Whether it came to rest.
    """

    values: Mapping[int, float]
    source: str
    unlinked: tuple[int, ...] = ()
    num_pairs: int = 0
    num_rounds: int = 0
    has_converged: bool = True


def read_propensities(path: Path) -> Propensities:
    """A JSON object: position as text -> chance of examination.

    Raises:
        ConfigurationError: It cannot be read, or it is something else.
    """
    try:
        values = _FILE.validate_json(path.read_bytes(), strict=True)
    except OSError as error:
        raise ConfigurationError(f"{str(path)!r} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigurationError(
            f'{path.name}: {where}: {first["msg"]}; it must be an object such as {{"1": 1.0, "2": 0.7}}'
        ) from error
    if not values:
        raise ConfigurationError(f"{path.name}: names no position")
    return Propensities({int(position): value for position, value in values.items()}, "file")


def estimate_propensities(pairs: Sequence[Mapping[int, Cell]]) -> Propensities:
    """Estimate from counts.

    Args:
        pairs: [P] of each pair, position -> counts.

    Raises:
        ConfigurationError: No clicked pair was shown at two positions: nothing can be told from the log.
    """
    seen = sorted({position for cells in pairs for position in cells})
    # Without a click a pair's gamma is 0, whatever the propensities are.
    telling = [cells for cells in pairs if len(cells) > 1 and any(cell.clicks for cell in cells.values())]
    linked = _linked(telling)
    if len(linked) < 2:  # noqa: PLR2004 - one position alone is relative to nothing
        raise ConfigurationError(
            "no clicked posting was shown at two positions for one query, so the log cannot tell position from "
            "relevance: give propensities with --propensities, or log with some random swaps"
        )
    places = {position: place for place, position in enumerate(linked)}
    observed = [
        [(places[position], cell.impressions, cell.clicks) for position, cell in cells.items()]
        for cells in telling
        if cells.keys() <= places.keys()  # a pair lies in one component, whole
    ]
    thetas, num_rounds = _alternated(observed, len(linked))
    return Propensities(
        values={position: min(1.0, theta) for position, theta in zip(linked, thetas, strict=True)},
        source="log",
        unlinked=tuple(position for position in seen if position not in places),
        num_pairs=len(observed),
        num_rounds=num_rounds,
        has_converged=num_rounds < _MAX_ROUNDS,
    )


def _linked(telling: Sequence[Mapping[int, Cell]]) -> list[int]:
    """The positions tied to the smallest one that any pair ties to another, in order."""
    components: list[set[int]] = []
    for cells in telling:
        joined = set(cells)
        apart = []
        for component in components:
            if component & joined:
                joined |= component
            else:
                apart.append(component)
        components = [*apart, joined]
    return sorted(min(components, key=min)) if components else []


def _alternated(observed: Sequence[Sequence[_Observed]], num_positions: int) -> tuple[list[float], int]:
    """Theta of each position, relative to the first with a click, and how many rounds it took."""
    thetas, clicked = [1.0] * num_positions, [0] * num_positions
    totals = [sum(clicks for _, _, clicks in cells) for cells in observed]
    for cells in observed:
        for place, _, clicks in cells:
            clicked[place] += clicks
    first = next(place for place, clicks in enumerate(clicked) if clicks)
    for num_rounds in range(1, _MAX_ROUNDS + 1):
        expected = [0.0] * num_positions  # sum of n gamma
        for total, cells in zip(totals, observed, strict=True):
            gamma = total / sum(impressions * thetas[place] for place, impressions, _ in cells)
            for place, impressions, _ in cells:
                expected[place] += impressions * gamma
        new = [max(_LEAST, count / each) for count, each in zip(clicked, expected, strict=True)]
        new = [theta / new[first] for theta in new]
        change = max(abs(one - other) for one, other in zip(new, thetas, strict=True))
        thetas = new
        if change < _TOLERANCE:
            return thetas, num_rounds
    return thetas, _MAX_ROUNDS
