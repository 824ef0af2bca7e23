"""`precis engine parity` as a user runs it: the real engines, the shipped bundles, transformers beside them."""

import json
import shutil
import subprocess

import pytest

from ops.settings import load_settings
from tests.integration.ops.engine.running import PRECIS

SMALL = ("--pairs", "60", "--texts", "6", "--threads", "1")
ENGINES = [
    "local",
    pytest.param("vllm", marks=pytest.mark.vllm),
    pytest.param("sglang", marks=pytest.mark.sglang),
]

pytestmark = pytest.mark.timeout(1200)  # two servers are started, one after the other


def parity(folder, *options):
    """Its exit status, its JSON and what it said."""
    command = [PRECIS, "engine", "parity", "--json", *SMALL, *options]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return run.returncode, json.loads(run.stdout or "null"), run.stderr


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_agrees_with_transformers(tmp_path, engine):
    """Scores that spread, the same to 1e-5 and in the same order; greedy texts the same to the last character."""
    code, report, said = parity(tmp_path, "--engine", engine, "--dtype", "float32")
    assert code == 0, said
    (row,) = report["engines"]
    assert (row["engine"], row["dtype"], row["pairs"], row["texts"]) == (engine, "float32", 60, 6)
    assert row["score_std"] >= 0.1
    assert row["max_abs_diff"] <= 1e-5
    assert row["tau"] == 1.0
    assert row["texts_equal"] is True
    assert row["failures"] == []


def test_other_weights_fail_the_gate(tmp_path):
    """The reference is made of the bundle as it is; here the engine finds the manifest of another one."""
    bundle = shutil.copytree(load_settings().ranker.bundle, tmp_path / "bundle")
    manifest = json.loads((bundle / "precis.json").read_bytes())
    manifest["canaries"][0]["score"] = 1 - manifest["canaries"][0]["score"]
    (bundle / "precis.json").write_text(json.dumps(manifest))
    code, report, said = parity(tmp_path, "--engine", "local", "--dtype", "float32", "--ranker", bundle)
    assert code == 1
    assert report["ok"] is False
    assert any("drift" in failure for failure in report["failures"])
    assert "local in float32: drift" in said


def test_an_engine_that_does_not_start_is_a_failure_of_its_row(tmp_path):
    """And the summarizer is compared all the same."""
    bundle = shutil.copytree(load_settings().ranker.bundle, tmp_path / "bundle")
    config = json.loads((bundle / "config.json").read_bytes())
    (bundle / "config.json").write_text(json.dumps(config | {"hidden_act": "gelu"}))
    code, report, said = parity(tmp_path, "--engine", "local", "--dtype", "float32", "--ranker", bundle)
    assert code == 1, said
    (row,) = report["engines"]
    assert row["pairs"] is None
    assert row["texts_equal"] is True
    assert "the ranker gave no answers" in row["failures"][0]
