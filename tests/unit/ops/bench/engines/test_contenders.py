"""How each engine under measurement is started."""

from pathlib import Path

from models.bundle import Role
from ops.bench.engines.contenders import engine_of, launch_of
from ops.bench.engines.plan import Contender
from ops.engine.launch import Device, Dtype, Wishes
from ops.engine.prepare import prepare
from tests.unit.ops.engine.builders import machine, shipped


def test_all_compute_in_the_same_type_on_as_many_cores():
    """Only the int8 engine stores its weights otherwise."""
    hardware = machine(cores=2)
    wishes = Wishes(device=Device.CPU, dtype=Dtype.BFLOAT16, threads=2)
    bundle, python = shipped(Role.RANKER), Path("python")

    def launch(who):
        home, host = Path("engines"), "127.0.0.1"
        prepared = prepare(
            engine_of(who), bundle, hardware, home=home, host=host, port=9000, wishes=wishes, python=python
        )
        return launch_of(who, prepared)

    launches = {who: launch(who) for who in Contender}
    for who, made in launches.items():
        text = " ".join(made.arguments)
        assert "--dtype bfloat16" in text
        assert "9000" in text
        assert ("--weights int8" in text) == (who is Contender.LOCAL_INT8)
        assert "--threads 2" in text or made.environment["OMP_NUM_THREADS"] == "2"
    assert "--sleep-on-idle" in launches[Contender.SGLANG].arguments
