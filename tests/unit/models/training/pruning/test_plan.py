import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.training.pruning.methods import MethodName
from models.training.pruning.plan import (
    Calibration,
    LayerPlan,
    Plan,
    PlanShape,
    Source,
    kept_count,
    read_plan,
    write_plan,
)
from schemas.errors import ConfigurationError


def a_plan(**changes: Any) -> Plan:
    """Two of three layers, two of four neurons."""
    return Plan.model_validate(
        {
            "bundle": Source(name="ranker", revision="0123456789abcdef"),
            "method": MethodName.OSSCAR,
            "seed": 7,
            "ridge": 0.01,
            "calibration": Calibration(text="summaries", queries=2, prompts=16, tokens=900, sha256="ab"),
            "before": PlanShape(layers=3, neurons=4, kv_heads=2, parameters=1000),
            "after": PlanShape(layers=2, neurons=2, kv_heads=2, parameters=600),
            "dropped_layers": (1,),
            "layers": (
                LayerPlan(layer=0, kept_neurons=(0, 3), neurons_loss=0.25),
                LayerPlan(layer=2, kept_neurons=(1, 2), neurons_loss=0.5),
            ),
            **changes,
        }
    )


def test_a_plan_is_read_as_it_was_written_with_each_list_on_a_line(tmp_path: Path) -> None:
    """People read it, and change it."""
    file = tmp_path / "new" / "plan.json"
    write_plan(a_plan(), file)
    assert read_plan(file) == a_plan()
    assert read_plan(file).sha256 == a_plan().sha256
    assert '"kept_neurons": [0, 3]' in file.read_text()


def test_a_changed_plan_is_another_plan(tmp_path: Path) -> None:
    """Its digest stands in the manifest of what was made by it."""
    file = tmp_path / "plan.json"
    write_plan(a_plan(), file)
    file.write_text(file.read_text().replace("[0, 3]", "[0, 1]"))
    assert read_plan(file).layers[0].kept_neurons == (0, 1)
    assert read_plan(file).sha256 != a_plan().sha256


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ([{"layer": 0, "kept_neurons": [0, 1]}], "each of the 3 layers once"),
        ([{"layer": 0, "kept_neurons": [0, 1]}, {"layer": 1, "kept_neurons": [0, 1]}], "each of the 3 layers once"),
        ([], "each of the 3 layers once"),
        ([{"layer": 2, "kept_neurons": [0, 1]}, {"layer": 0, "kept_neurons": [0, 1]}], "ascending order"),
        ([{"layer": 0, "kept_neurons": [0, 1]}, {"layer": 2, "kept_neurons": [0, 1, 2]}], "equal numbers"),
        ([{"layer": 0, "kept_neurons": [0, 1]}, {"layer": 2}], "equal numbers"),
        ([{"layer": 0, "kept_neurons": [1, 0]}, {"layer": 2, "kept_neurons": [0, 1]}], "within 0 to 3"),
        ([{"layer": 0, "kept_neurons": [1, 1]}, {"layer": 2, "kept_neurons": [0, 1]}], "within 0 to 3"),
        ([{"layer": 0, "kept_neurons": [1, 4]}, {"layer": 2, "kept_neurons": [0, 1]}], "within 0 to 3"),
        ([{"layer": 0, "kept_neurons": [-1, 0]}, {"layer": 2, "kept_neurons": [0, 1]}], "within 0 to 3"),
    ],
)
def test_a_plan_that_no_stock_model_can_follow_is_refused(layers: list[Any], said: str, tmp_path: Path) -> None:
    """With the file, what is wrong, and the remedy."""
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(a_plan().model_dump(mode="json") | {"layers": layers}))
    with pytest.raises(ConfigurationError, match=said) as caught:
        read_plan(file)
    assert str(file) in str(caught.value)
    assert "precis prune plan" in str(caught.value)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": "precis.pruning/2"}'])
def test_what_is_no_plan_is_refused(content: str, tmp_path: Path) -> None:
    """Whatever it is."""
    file = tmp_path / "plan.json"
    file.write_text(content)
    with pytest.raises(ConfigurationError, match="does not fit"):
        read_plan(file)


def test_a_missing_plan_is_said_to_be_missing(tmp_path: Path) -> None:
    """With its path."""
    with pytest.raises(ConfigurationError, match=r"plan.json.*No such file"):
        read_plan(tmp_path / "plan.json")


def test_a_plan_fits_its_own_bundle_only() -> None:
    """By the digest, whatever the name."""
    a_plan().check_fits(Source(name="renamed", revision="0123456789abcdef"))
    with pytest.raises(ConfigurationError, match=r"0123456789abcdef.*fedcba.*precis prune plan"):
        a_plan().check_fits(Source(name="ranker", revision="fedcba"))


@given(st.floats(0.001, 0.999), st.integers(2, 4096), st.sampled_from([1, 8, 32]))
def test_the_number_kept_is_the_nearest_multiple_or_an_error(share: float, total: int, granularity: int) -> None:
    """Never none and never all: a plan that says nothing is a mistake."""
    try:
        kept = kept_count(share, total, granularity, "neurons")
    except ConfigurationError:
        nearest = round(share * total / granularity) * granularity
        assert nearest <= 0 or nearest >= total
    else:
        assert kept % granularity == 0
        assert 0 < kept < total
        assert abs(kept - share * total) <= granularity / 2 + 1e-9


@pytest.mark.parametrize("share", [0.0, -0.5, 1.2, float("nan")])
def test_an_impossible_share_is_refused(share: float) -> None:
    """With what is possible."""
    with pytest.raises(ConfigurationError, match="above 0, at most 1"):
        kept_count(share, 512, 32, "neurons")


def test_a_share_that_rounds_away_says_which_would_not() -> None:
    """The remedy is in the message."""
    assert kept_count(1, 512, 32, "neurons") == 512
    with pytest.raises(ConfigurationError, match=r"none of them in steps of 32: give a share from 0.0625 to 0.9375"):
        kept_count(0.01, 512, 32, "neurons")
    with pytest.raises(ConfigurationError, match="all of them in steps of 32"):
        kept_count(0.99, 512, 32, "neurons")
