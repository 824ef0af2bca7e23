"""How likely each position is to be looked at: the position-based model, estimated by EM. Pure.

    P(click | query q, job d, position k) = theta_k * gamma_qd

A posting is clicked where its position is examined (theta) and it attracts (gamma): Craswell et al., An experimental
comparison of click position-bias models, WSDM 2008; EM as in Chuklin, Markov, de Rijke, Click Models for Web Search
(2015), section 3.2 and 4.2.

Only the product is seen, so theta is relative: the first position that can be estimated has 1. Only a pair that was
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

_MAX_ITERATIONS = 2000
_TOLERANCE = 1e-6
"""Largest change of a relative propensity in one iteration at which it has converged."""
_CERTAIN = 1 - 1e-9
"""Neither factor is certain, so that no posterior is 0 / 0."""
_FILE = TypeAdapter(dict[Annotated[str, Field(pattern=r"^[1-9]\d{0,3}$")], Annotated[float, Field(gt=0, le=1)]])

_Observed = tuple[int, int, int]
"""Index of a position, impressions, clicks."""


@dataclass(frozen=True, slots=True)
class Propensities:
    """Chance of examination by position, relative to the first one.

    Attributes:
        values: Position -> chance in (0, 1].
        source: ``em`` or ``file``.
        unlinked: Positions of the log without an estimate.
        num_pairs: Pairs that the estimate rests on.
        num_iterations: Of EM; 0 for a file.
        has_converged: Whether EM came to rest.
    """

    values: Mapping[int, float]
    source: str
    unlinked: tuple[int, ...] = ()
    num_pairs: int = 0
    num_iterations: int = 0
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
    # Without a click a pair's gamma is 0 at the optimum, whatever the propensities are.
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
    thetas, num_iterations = _em(observed, len(linked))
    return Propensities(
        values={position: min(1.0, theta / thetas[0]) for position, theta in zip(linked, thetas, strict=True)},
        source="em",
        unlinked=tuple(position for position in seen if position not in places),
        num_pairs=len(observed),
        num_iterations=num_iterations,
        has_converged=num_iterations < _MAX_ITERATIONS,
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


def _em(observed: Sequence[Sequence[_Observed]], num_positions: int) -> tuple[list[float], int]:
    """Unnormalised theta of each position, and how many iterations it took.

    E: without a click, P(examined) = theta (1 - gamma) / (1 - theta gamma), P(attracts) = gamma (1 - theta) / (same);
    with one, both are 1. M: theta and gamma are the means of these.
    """
    thetas, gammas = _start(observed, num_positions)
    shown = [0] * num_positions
    for cells in observed:
        for place, impressions, _ in cells:
            shown[place] += impressions
    for iteration in range(1, _MAX_ITERATIONS + 1):
        examined = [0.0] * num_positions
        for pair, cells in enumerate(observed):
            gamma, attracted, impressions_of_pair = gammas[pair], 0.0, 0
            for place, impressions, clicks in cells:
                theta = thetas[place]
                unseen = (impressions - clicks) / (1 - theta * gamma)
                examined[place] += clicks + unseen * theta * (1 - gamma)
                attracted += clicks + unseen * gamma * (1 - theta)
                impressions_of_pair += impressions
            gammas[pair] = min(_CERTAIN, attracted / impressions_of_pair)
        new = [min(_CERTAIN, total / count) for total, count in zip(examined, shown, strict=True)]
        change = max(abs(one / new[0] - other / thetas[0]) for one, other in zip(new, thetas, strict=True))
        thetas = new
        if change < _TOLERANCE:
            return thetas, iteration
    return thetas, _MAX_ITERATIONS


_NUM_STARTING_ROUNDS = 30


def _start(observed: Sequence[Sequence[_Observed]], num_positions: int) -> tuple[list[float], list[float]]:
    """Where EM begins: the optimum of the Poisson likelihood, near that of small click rates and fast to reach.

    Clicks over what the other factor lets expect, by turns. EM alone, from a flat start, takes thousands of iterations.
    """
    thetas, gammas = [1.0] * num_positions, [0.0] * len(observed)
    clicked = [0] * num_positions
    for cells in observed:
        for place, _, clicks in cells:
            clicked[place] += clicks
    for _ in range(_NUM_STARTING_ROUNDS):
        expected = [0.0] * num_positions
        for pair, cells in enumerate(observed):
            reach = sum(impressions * thetas[place] for place, impressions, _ in cells)
            gammas[pair] = sum(clicks for _, _, clicks in cells) / reach if reach else 0.0
            for place, impressions, _ in cells:
                expected[place] += impressions * gammas[pair]
        thetas = [count / total if total else 0.0 for count, total in zip(clicked, expected, strict=True)]
        scale = max(thetas)
        thetas = [theta / scale for theta in thetas]
    # Inside (0, 1), both: EM leaves no boundary that it starts on.
    highest = max(1.0, *gammas)
    return [min(0.95, max(1e-4, theta)) for theta in thetas], [min(0.95, gamma / highest) for gamma in gammas]
