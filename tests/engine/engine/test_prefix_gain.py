"""Sharing a query, measured against not sharing it: both ways compute the same, and the rows are counted right."""

import json

import pytest

from models.engine.bench import groups_together
from models.engine.cell import Cell
from models.engine.jobs import Prompt
from models.engine.prefix_gain import SHARES, cell_of, groups_apart, main
from tests.engine.engine.checkpoints import save_random
from tests.engine.engine.conftest import SHAPES


def test_a_share_is_of_each_prompt() -> None:
    """Claim: query and item are the prompt together, whatever the share; neither is ever empty."""
    assert cell_of(0.25, num_items=4, prompt_tokens=200) == Cell(4, 50, 150)
    assert cell_of(0.0, num_items=4, prompt_tokens=200) == Cell(4, 1, 199)
    assert cell_of(1.0, num_items=4, prompt_tokens=200) == Cell(4, 199, 1)


def test_both_ways_score_every_item_within_the_rows_of_a_pass() -> None:
    """Claim: together the first pass carries the query once; apart every item carries it."""
    query, items = Prompt((1,) * 6), [Prompt((2,) * 4) for _ in range(5)]
    together, apart = groups_together(query, items, max_rows=20), groups_apart(query, items, max_rows=20)
    assert [[len(group.items) for group in groups] for groups in together] == [[3], [2]]
    assert len({id(group.prefix) for groups in together for group in groups}) == 1
    assert [[len(group.items) for group in groups] for groups in apart] == [[1, 1], [1, 1], [1]]
    assert len({id(group.prefix) for groups in apart for group in groups}) == 5


def test_the_command_measures_the_same_scores_both_ways(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    """Claim: sharing changes no logit beyond float32's own noise, at any share."""
    bundle = save_random(tmp_path / "bundle", SHAPES["gqa2"])
    options = ["--bundle", str(bundle), "--dtype", "float32", "--threads", "1", "--runs", "1"]
    assert main([*options, "--num-items", "3", "--prompt-tokens", "20", "--max-batch-tokens", "45"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["prefix_share"] for row in found["shares"]] == pytest.approx(list(SHARES), abs=0.025)
    assert all(row["max_difference"] < 1e-4 for row in found["shares"])
    assert found["shares"][-1]["rows_ratio"] == round(3 * 20 / (19 + 3), 3)
