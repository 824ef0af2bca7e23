"""`precis train recipe`: counted on the meta device, then the same code in two processes on a tiny model."""

import json

import pytest

from models.training.recipes import report
from models.training.recipes.__main__ import main
from models.training.recipes.recipe import load_recipe
from schemas.errors import ConfigurationError


def test_the_paper_s_ranker_is_built_pruned_and_counted_without_a_weight() -> None:
    """596.0M to 375.8M parameters."""
    found = report.report_on(load_recipe("qwen3-0.6b-ranker"))
    assert found.parameters == 596_049_920
    assert [stage.parameters for stage in found.stages] == [596_049_920, 375_830_528, 375_830_528]
    assert found.does_fit
    assert found.gpu_hours == pytest.approx(8 * sum(stage.hours for stage in found.stages), abs=0.1)


def test_a_recipe_with_a_wrong_count_is_refused() -> None:
    """Which model, and all three numbers."""
    recipe = load_recipe("qwen3-1.7b-summarizer").model_copy(update={"parameters": 7})
    with pytest.raises(ConfigurationError, match=r"1,720,574,976 parameters, the arithmetic says 1,720,574,976.* 7$"):
        report.report_on(recipe)


def test_a_model_that_no_gpu_holds_does_not_fit() -> None:
    """A tenth of the memory is the allocator's."""
    recipe = load_recipe("qwen3-1.7b-summarizer")
    small = recipe.hardware.model_copy(update={"gpus": 1, "memory_gb": 24})
    assert not report.report_on(recipe.model_copy(update={"hardware": small})).does_fit


def test_a_dry_run_trains_prunes_and_recovers_in_two_processes(capfd: pytest.CaptureFixture[str]) -> None:
    """Every stage leaves a bundle; the pruned ones are smaller."""
    assert main(["qwen3-0.6b-ranker", "--dry-run", "--processes", "2", "--steps", "1"]) == 0
    rehearsed = [line.split() for line in capfd.readouterr().out.splitlines() if line.startswith("rehearsed")]
    assert [words[1] for words in rehearsed] == ["sft", "prune", "recover"]
    sizes = [float(words[2].removesuffix("M")) for words in rehearsed]
    assert sizes[0] == pytest.approx(3.41)
    assert sizes[1] == sizes[2] < 0.7 * sizes[0]


def test_json_says_what_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing else."""
    assert main(["qwen3-1.7b-summarizer", "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"] == 1_720_574_976


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none", "--dry-run"], "no recipe 'none'"),
        (["qwen3-0.6b-ranker"], "give --dry-run, or --bundle"),
        (["qwen3-1.7b-summarizer", "--bundle", "x", "--out", "y"], "run it with `precis train gspo`"),
        (["qwen3-0.6b-ranker", "--bundle", "none", "--out", "y"], "lacks config.json"),
    ],
)
def test_what_cannot_be_run_is_one_message_and_status_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before any process is started."""
    assert main(arguments) == 2
    assert said in capsys.readouterr().err
