"""The object that `precis bench engine --json` prints."""

import json

import pytest

from models.engine.cell import Cell
from ops.bench.engines.plan import Contender
from ops.bench.engines.result import Answer, Round, result_of

CELL = Cell(num_items=2, query_tokens=10, item_tokens=5)


def one_round(peak=100.0, **seconds):
    scores = {Contender.TRANSFORMERS: (0.5, 0.25), Contender.VLLM: (0.5, 0.375)}
    answers = {Contender(who): Answer(value, scores.get(Contender(who), (0.5, 0.25))) for who, value in seconds.items()}
    return Round(answers, peak)


def test_ratios_are_of_medians():
    """A slow run of one engine changes no ratio."""
    rounds = [
        one_round(local_bf16=1.0, vllm=2.0, transformers=8.0),
        one_round(local_bf16=1.0, vllm=50.0, transformers=8.0),
        one_round(local_bf16=9.0, vllm=2.0, transformers=8.0),
    ]
    found = result_of(rounds, CELL, 1_000_000_000, {Contender.SGLANG: "is missing"})
    assert found["local_bf16_over_vllm"] == 2.0
    assert found["local_bf16_over_transformers"] == 8.0
    assert found["local_bf16_over_sglang"] is None
    assert found["local_int8_over_vllm"] is None
    assert found["left_out"] == {"sglang": "is missing"}
    assert [run["items_per_s"]["vllm"] for run in found["runs"]] == [1.0, 0.04, 1.0]
    json.dumps(found)


def test_the_share_of_the_peak_counts_a_shared_query_once():
    """Two operations a weight and row: 20 rows of a billion weights in a second are 40 GFLOP/s, of 100."""
    found = result_of([one_round(local_bf16=1.0)], CELL, 1_000_000_000, {})
    assert found["share_of_peak_bf16"] == pytest.approx(0.4)
    assert result_of([one_round(vllm=1.0)], CELL, 1_000_000_000, {})["share_of_peak_bf16"] is None


def test_answers_are_held_against_those_of_transformers():
    """A fast engine that answers something else would show."""
    found = result_of([one_round(local_bf16=1.0, vllm=1.0, transformers=1.0)], CELL, 1, {})
    differences = {row["engine"]: row["max_diff_from_transformers"] for row in found["engines"]}
    assert differences == {"local_bf16": 0.0, "vllm": 0.125, "transformers": None}
