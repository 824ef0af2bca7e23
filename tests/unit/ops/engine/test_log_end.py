"""The cause is shown though it stands far above the log's end, and the remedy with it."""

import pytest

from ops.engine.launch import EngineName
from ops.engine.log_end import log_end, remedies

WORKER_FAILED = (
    """
(Worker pid=7) Traceback (most recent call last):
(Worker pid=7)   File "loader.py", line 3, in load
(Worker pid=7) ValueError: There is no module or parameter named 'lm_head.bias' in Qwen3ForCausalLM
"""
    + "\n".join(f"(EngineCore pid=5) frame {number}" for number in range(30))
    + """
(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}
"""
)


def test_the_first_exception_is_shown_above_the_last_lines():
    """A server with workers ends with "see root cause above"."""
    lines = log_end(WORKER_FAILED).splitlines()
    assert "lm_head.bias" in lines[0]
    assert "See root cause above" in lines[-1]
    assert len(lines) < 20


def test_an_empty_log_is_called_empty():
    """Nothing is not nothing said."""
    assert log_end("\n \n") == "  (empty)"


@pytest.mark.parametrize(
    ("text", "code", "advice"),
    [
        ("OSError: [Errno 98] Address already in use", 1, "--port"),
        ("ModuleNotFoundError: No module named 'xgrammar'", 1, "precis engine install vllm"),
        ("", -9, "--kv-mib"),
        ("RuntimeError: [enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: not enough memory", 1, "free memory"),
        ("OSError: [Errno 28] No space left on device", 1, "free disk space"),
        ("ValueError: 0.5 GiB KV cache is needed, which is larger than the available KV cache memory", 1, "--context"),
    ],
)
def test_what_is_known_has_a_remedy(text, code, advice):
    """The person who reads it need not know the engine."""
    (remedy,) = remedies(text, code, EngineName.VLLM)
    assert advice in remedy


def test_what_is_not_known_has_none():
    """A wrong remedy is worse than none."""
    assert remedies("ValueError: strange", 1, EngineName.SGLANG) == []
