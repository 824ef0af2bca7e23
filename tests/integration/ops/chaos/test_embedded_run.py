"""The harness itself on the embedded profile: real processes, a few faults, and mutants that it must notice."""

from pathlib import Path

import pytest

from ops.chaos.mutants import Mutant
from ops.chaos.report import is_passed
from ops.chaos.runner import RunPlan, run_chaos
from ops.settings import load_settings

_KINDS = ("worker_sigkill", "engine_broken", "scorer_sigkill")


def _settings(tmp_path: Path):
    return load_settings(data_dir=tmp_path)


async def test_faults_lose_nothing(tmp_path: Path) -> None:
    """Faults of three kinds: the end state is the oracle's, strict answers were judged, the journal has the run."""
    journal = tmp_path / "journal.jsonl"
    plan = RunPlan(profile="embedded", num_faults=3, seed=1, journal=journal, kinds=_KINDS)
    said: list[str] = []
    result = await run_chaos(plan, _settings(tmp_path), say=said.append)
    assert is_passed(result), result["details"]
    assert result["by_kind"] == dict.fromkeys(sorted(_KINDS), 1)
    assert result["dead_lettered"] == result["expected_dead_lettered"]
    assert result["updates"] > 20
    assert result["probe"]["source_cache"] > 0
    again = await run_chaos(plan, _settings(tmp_path), say=said.append)
    assert again == result  # from the journal: nothing is run again


@pytest.mark.parametrize(
    ("mutant", "kinds", "count"),
    [
        (Mutant.ACK_BEFORE_WRITE, ("worker_sigkill_behind_slow_engine", "worker_sigkill"), "lost"),
        (Mutant.CACHE_HIT_WITHOUT_VERSION, ("engine_slow",), "stale"),
    ],
)
async def test_a_broken_step_is_noticed(tmp_path: Path, mutant: Mutant, kinds: tuple[str, ...], count: str) -> None:
    """A checker that sees nothing in a broken service sees nothing at all."""
    plan = RunPlan(profile="embedded", num_faults=len(kinds), seed=2, mutant=mutant, kinds=kinds)
    result = await run_chaos(plan, _settings(tmp_path), say=lambda _: None)
    assert is_passed(result), "the mutant was not noticed"
    assert result[count] > 0
