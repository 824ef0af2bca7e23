"""What the doctor says of a machine and its environments."""

from pathlib import Path

from ops.engine.doctor import findings_for
from ops.engine.environments import Environment
from ops.engine.launch import EngineName
from tests.unit.ops.engine.builders import H200, machine


def found(*environments, hardware=None, free_gb=100.0):
    named = [Environment(engine, state, Path(f"envs/{engine}")) for engine, state in environments]
    return findings_for(named, hardware or machine(), free_gb=free_gb, python=(3, 11))


def missing(findings):
    return {(item.subject, item.what): item for item in findings.items if item.level == "missing"}


def test_a_complete_environment_is_well():
    """Nothing missing: exit status 0."""
    findings = found((EngineName.VLLM, "complete"))
    assert findings.is_ok
    assert missing(findings) == {}


def test_an_absent_environment_names_the_command_that_makes_it():
    """The remedy can be copied."""
    findings = found((EngineName.VLLM, "complete"), (EngineName.SGLANG, "missing"))
    assert not findings.is_ok
    assert missing(findings)["sglang", "environment"].remedy == "precis engine install sglang"


def test_a_stale_environment_is_told_from_an_absent_one():
    """It is there, and of no use."""
    (item,) = missing(found((EngineName.VLLM, "stale"))).values()
    assert "other locks" in item.detail


def test_too_little_disk_for_what_is_to_be_installed_is_missing():
    """What is installed already needs none."""
    assert ("vllm", "disk") in missing(found((EngineName.VLLM, "missing"), free_gb=1.0))
    assert found((EngineName.VLLM, "complete"), free_gb=1.0).is_ok


def test_too_little_memory_is_missing():
    """An engine of several processes takes over 2 GB before it holds a model."""
    assert ("sglang", "memory") in missing(found((EngineName.SGLANG, "complete"), hardware=machine(memory_gib=1)))


def test_a_processor_without_avx2_cannot_run_vllm():
    """The others compute in torch, which still does."""
    old = machine(flags={"sse4_2"})
    assert ("vllm", "processor") in missing(found((EngineName.VLLM, "complete"), hardware=old))
    assert found((EngineName.SGLANG, "complete"), (EngineName.LOCAL, "complete"), hardware=old).is_ok


def test_a_gpu_beside_a_cpu_build_is_a_note_with_a_remedy():
    """It works, and wastes the GPU; the local engine's torch uses it."""
    findings = found((EngineName.VLLM, "complete"), (EngineName.LOCAL, "complete"), hardware=machine(gpus=[H200]))
    notes = {(item.subject, item.what): item.remedy for item in findings.items if item.level == "note"}
    assert findings.is_ok
    assert "--python" in notes["vllm", "cuda"]
    assert ("local", "cuda") not in notes


def test_json_says_the_same():
    """For scripts."""
    report = found((EngineName.VLLM, "missing")).as_dict()
    assert report["ok"] is False
    assert {"subject", "what", "level", "detail", "remedy"} == report["findings"][0].keys()
