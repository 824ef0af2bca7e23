"""The report end to end, from the shipped bundles, on very few queries."""

import json

import pytest

from models.training.report.__main__ import main
from models.training.report.scales import SCALES

pytestmark = [pytest.mark.training, pytest.mark.timeout(900)]  # a minute of work, on a machine that is shared

EVERY_FIGURE = {
    "ranker_minus_bm25",
    "pruned_40_relative",
    "pruned_90_relative",
    "compressed_93_relative",
    "empty_summary_relative",
    "lead_tokens_relative",
    "summary_over_lead_relative",
    "chain_relative",
}


def test_every_section_runs_and_writes_its_figures(tmp_path, capsys):
    """All that the shipped bundles can be asked, without evaluation data."""
    assert main(["--quick", "--queries", "2", "--no-real", "--threads", "1", "--out", str(tmp_path), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["recomputed"] is True
    assert answer["recorded"] == []
    assert answer.keys() >= EVERY_FIGURE
    for name in EVERY_FIGURE:
        low, high = answer[f"{name}_interval"]
        assert low <= high
    content = json.loads((tmp_path / "report.json").read_text())
    assert [chapter["name"] for chapter in content["chapters"]] == list(SCALES["tiny"].sections)
    assert "quick" in content["run"]
    assert {file.name for file in tmp_path.glob("*.svg")} >= {"layers.svg", "pruning.svg", "chain.svg"}
    assert "no figure means anything" in (tmp_path / "report.md").read_text()


@pytest.mark.shared_data
def test_real_sets_are_ranked_beside_the_generated_one(tmp_path, capsys, shared_data):
    """Ads and titles have figures of their own."""
    arguments = [
        "--quick",
        "--queries",
        "2",
        "--threads",
        "1",
        "--out",
        str(tmp_path),
        "--json",
        "--sections",
        "ranking",
    ]
    assert main([*arguments, "--judged-data", str(shared_data)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert {"ranker_minus_bm25", "ranker_minus_bm25_real", "ranker_minus_bm25_melo"} <= answer.keys()


def test_missing_evaluation_data_are_one_sentence_not_a_traceback(tmp_path, capsys):
    """What, where, remedy; nothing is measured before."""
    assert main(["--judged-data", str(tmp_path / "none"), "--out", str(tmp_path), "--sections", "ranking"]) == 2
    assert "--no-real" in capsys.readouterr().err
