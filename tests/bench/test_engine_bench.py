"""`precis bench engine` runs: every figure is there and is of what it says. No figure is judged here."""

from models.bundle import Role
from models.engine.cell import Cell
from ops.bench.engines.plan import Contender, Plan
from ops.bench.engines.run import bench_engines
from ops.settings import load_settings
from tests.unit.ops.engine.builders import shipped


def test_the_local_engine_beside_transformers(tmp_path):
    """The tiny ranker, real processes: both answer the same up to bfloat16, the peak is measured, logs are kept."""
    plan = Plan(
        contenders=(Contender.LOCAL_BF16, Contender.TRANSFORMERS),
        num_runs=1,
        threads=1,
        cell=Cell(num_items=3, query_tokens=20, item_tokens=10),
    )
    settings = load_settings().model_copy(update={"data_dir": tmp_path})
    steps: list[str] = []
    result = bench_engines(settings, plan, bundle=shipped(Role.RANKER).path, on_step=steps.append)
    assert result["local_bf16_over_transformers"] > 0
    assert result["share_of_peak_bf16"] > 0
    assert [row["engine"] for row in result["engines"]] == ["local_bf16", "transformers"]
    assert result["engines"][0]["max_diff_from_transformers"] < 0.05
    assert set(result["runs"][0]["items_per_s"]) == {"local_bf16", "transformers"}
    assert result["cpu"]["threads"] == 1
    assert result["versions"]["torch"]
    assert (tmp_path / "logs" / "bench-transformers.log").exists()
