"""How each engine under measurement is started."""

from models.bundle import Role
from ops.bench.engines.contenders import launch_of
from ops.bench.engines.plan import Contender
from ops.engine.launch import Dtype, Wishes, describe_task
from tests.unit.ops.engine.builders import machine, shipped


def test_all_compute_in_the_same_type_on_as_many_cores():
    """Only the int8 engine stores its weights otherwise."""
    hardware = machine(cores=2)
    wishes = Wishes(dtype=Dtype.BFLOAT16, threads=2)
    task = describe_task(shipped(Role.RANKER), hardware, host="127.0.0.1", port=9000, wishes=wishes)
    launches = {who: launch_of(who, task, hardware) for who in Contender}
    for who, launch in launches.items():
        text = " ".join(launch.arguments)
        assert "--dtype bfloat16" in text
        assert "9000" in text
        assert ("--weights int8" in text) == (who is Contender.LOCAL_INT8)
        assert "--threads 2" in text or launch.environment["OMP_NUM_THREADS"] == "2"
    assert "--sleep-on-idle" in launches[Contender.SGLANG].arguments
