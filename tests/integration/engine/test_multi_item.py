"""Multi-item scoring by SGLang's own code, as far as it goes without a GPU: its flags, and its arithmetic.

FlashInfer's kernel, and so a server in this mode, was not run. What a whole server would do is examined by the canaries
and probes wherever one is started.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from models.bundle import Bundle, Role
from ops.engine.environments import interpreter
from ops.engine.launch import Device, EngineName
from ops.engine.multi_item import DELIMITER_ID
from ops.engine.prepare import launch_for
from ops.settings import environment_for, load_settings
from tests.unit.ops.engine.builders import H200, large, machine, task

pytestmark = pytest.mark.sglang

_SCRIPT = Path(__file__).with_name("in_sglang.py")
_GPU = machine(gpus=[H200])


def in_sglang(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The script's run, on one thread."""
    python = interpreter(load_settings().engine.home, EngineName.SGLANG)
    environment = environment_for({}) | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "SGLANG_USE_CPU_ENGINE": "1"}
    return subprocess.run(
        [python, _SCRIPT, *arguments], capture_output=True, text=True, check=False, env=environment, timeout=600
    )


def answer(*arguments: str) -> Any:
    """Its JSON."""
    run = in_sglang(*arguments)
    assert run.returncode == 0, run.stderr[-2_000:]
    return json.loads(run.stdout)


def flags(folder: Path, *, multi_item: bool) -> list[str]:
    """For a 0.6B on a GPU."""
    made = task(large(folder, Role.RANKER, weights_gib=1.2), _GPU, device=Device.CUDA, multi_item=multi_item)
    module, name, *arguments = launch_for(EngineName.SGLANG, made, _GPU).arguments
    assert (module, name) == ("-m", "sglang.launch_server")
    return arguments


def test_sglang_takes_the_flags_and_switches_off_what_does_not_go_with_them(tmp_path: Path) -> None:
    """Its parser, and its checks of the whole: they would end the server after half a minute."""
    arguments = flags(tmp_path, multi_item=True)
    made = answer("flags", *arguments)
    assert made["enable_mis"] is True
    assert made["attention_backend"] == "flashinfer"
    assert (made["disable_radix_cache"], made["chunked_prefill_size"], made["page_size"]) == (True, -1, 1)
    assert {phase["backend"] for phase in made["cuda_graph_config"].values()} == {"disabled"}
    assert made["context_length"] == int(arguments[arguments.index("--context-length") + 1])
    assert made["delimiter"] == DELIMITER_ID, "the token that the model must know"
    assert made["context_length"] <= made["max_prefill_tokens"], "a sequence is one step"


def test_without_the_mode_the_prefix_cache_stays(tmp_path: Path) -> None:
    """What priming is for."""
    made = answer("flags", *flags(tmp_path, multi_item=False))
    assert (made["enable_mis"], made["disable_radix_cache"]) == (False, False)


def test_another_attention_is_refused(tmp_path: Path) -> None:
    """Which is why the flags name it."""
    arguments = flags(tmp_path, multi_item=True)
    arguments[arguments.index("flashinfer")] = "triton"
    run = in_sglang("flags", *arguments)
    assert run.returncode != 0
    assert "requires flashinfer" in run.stderr


def test_an_item_scores_packed_as_it_does_alone(ranker_bundle: Bundle) -> None:
    """In any order and with any delimiter: SGLang's positions and rows, with FlashInfer's mask, let none of it in.

    The shipped ranker in float32; the delimiter is another than SGLang's, which the ranker's vocabulary does not reach.
    """
    found = answer("scores", str(ranker_bundle.path))
    alone = found["alone"]
    assert len(alone) >= 6
    assert max(alone) - min(alone) > 0.1, "a constant would pass too"
    for packed in (*found["packed"], found["backwards"][::-1]):
        assert packed == pytest.approx(alone, abs=1e-5)
