"""What a run of `precis bench engine` found, as the object that it prints. Pure."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.engine.cell import Cell
from ops.bench.engines.plan import Contender
from ops.bench.rates import median

__all__ = ["Answer", "Round", "result_of"]

_RATIOS = (
    (Contender.LOCAL_BF16, Contender.VLLM),
    (Contender.LOCAL_INT8, Contender.VLLM),
    (Contender.LOCAL_BF16, Contender.SGLANG),
    (Contender.LOCAL_BF16, Contender.TRANSFORMERS),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """Of one engine to one request.

    Attributes:
        seconds: From sending to the last score, priming included where the engine needs it.
        scores: In the order of the items.
    """

    seconds: float
    scores: Sequence[float]


@dataclass(frozen=True, slots=True)
class Round:
    """The same request to each engine.

    Attributes:
        answers: By engine.
        peak_gflops: Fastest matrix product of the model's shapes in bfloat16, measured in the same round.
    """

    answers: Mapping[Contender, Answer]
    peak_gflops: float


def result_of(
    rounds: Sequence[Round], cell: Cell, matrix_parameters: int, left_out: Mapping[Contender, str]
) -> dict[str, Any]:
    """Medians and their ratios, then each run.

    Args:
        rounds: At least one, of the same engines.
        cell: What was asked.
        matrix_parameters: Weights of the layers' matrices: two operations each for a token.
        left_out: Why an engine did not take part.

    Returns:
        Ratios of median items a second, None where one of the two did not take part; what each engine did; the runs.
    """
    present = tuple(sorted(rounds[0].answers, key=list(Contender).index))
    rates = {who: cell.num_items / statistics.median(each.answers[who].seconds for each in rounds) for who in present}
    ratios = {
        f"{mine}_over_{other}": round(rates[mine] / rates[other], 3) if {mine, other} <= rates.keys() else None
        for mine, other in _RATIOS
    }
    peak = statistics.median(each.peak_gflops for each in rounds)
    gflops = {who: 2 * matrix_parameters * cell.num_rows * rate / cell.num_items / 1e9 for who, rate in rates.items()}
    mine = gflops.get(Contender.LOCAL_BF16)
    return {
        **ratios,
        "share_of_peak_bf16": None if mine is None else round(mine / peak, 3),
        "matmul_peak_gflops": round(peak),
        "engines": [
            {
                "engine": str(who),
                "items_per_s": round(rates[who], 2),
                "seconds": median([each.answers[who].seconds for each in rounds], 3),
                "max_diff_from_transformers": _largest_difference(rounds, who),
            }
            for who in present
        ],
        "left_out": {str(who): reason for who, reason in left_out.items()},
        "runs": [
            {"items_per_s": {str(who): round(cell.num_items / each.answers[who].seconds, 2) for who in present}}
            | {"matmul_peak_gflops": round(each.peak_gflops)}
            for each in rounds
        ],
    }


def _largest_difference(rounds: Sequence[Round], who: Contender) -> float | None:
    """Between this engine's scores and those of transformers in the same type: two roundings apart."""
    if Contender.TRANSFORMERS not in rounds[0].answers or who is Contender.TRANSFORMERS:
        return None
    pairs = (
        pair
        for each in rounds
        for pair in zip(each.answers[who].scores, each.answers[Contender.TRANSFORMERS].scores, strict=True)
    )
    return round(max(abs(one - other) for one, other in pairs), 4)
