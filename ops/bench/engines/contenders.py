"""The engines under measurement as processes, each started as `precis engine run` starts it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from models.bundle import Bundle
from ops.bench.engines.plan import Contender
from ops.engine.environments import find_environments
from ops.engine.hardware import Hardware
from ops.engine.launch import Device, Dtype, EngineName, Launch, Wishes
from ops.engine.prepare import Prepared, prepare
from ops.engine.process import RunningEngine
from ops.engines import module_arguments
from ops.settings import environment_for
from ops.supervise import free_port
from schemas.errors import ConfigurationError

__all__ = ["engine_of", "launch_of", "running", "why_not"]

_HOST = "127.0.0.1"
_KV_MIB = 1024  # nine thousand tokens of a 0.6B: all prompts of a request without sharing
_INT8_FLAGS = frozenset({"avx512_vnni", "avx_vnni", "amx_int8"})


def engine_of(who: Contender) -> EngineName:
    """Whose environment it runs in."""
    return {Contender.VLLM: EngineName.VLLM, Contender.SGLANG: EngineName.SGLANG}.get(who, EngineName.LOCAL)


def why_not(contenders: Sequence[Contender], hardware: Hardware) -> dict[Contender, str]:
    """Those that cannot take part here, and the reason.

    Raises:
        ConfigurationError: None can.
    """
    states = {found.engine: found.state for found in find_environments(list(EngineName))}
    reasons = {}
    for who in contenders:
        engine = engine_of(who)
        if states[engine] != "complete":
            reasons[who] = f"its environment is {states[engine]}: run `precis engine install {engine}`"
        elif who is Contender.LOCAL_INT8 and not _INT8_FLAGS & hardware.cpu_flags:
            reasons[who] = "this processor has no int8 products (VNNI, AMX)"
    if len(reasons) == len(contenders):
        raise ConfigurationError(
            f"nothing can be measured: {'; '.join(f'{who}: {why}' for who, why in reasons.items())}"
        )
    return reasons


def launch_of(who: Contender, prepared: Prepared) -> Launch:
    """How it is started: as its engine is, but for what is measured. Pure."""
    task, launch = prepared.task, prepared.launch
    if who is Contender.TRANSFORMERS:
        options = [
            *("--bundle", str(task.bundle.path)),
            *("--port", str(task.port)),
            *("--dtype", task.dtype.value),
            *("--threads", str(task.threads)),
        ]
        return Launch(tuple(module_arguments("models.training.plain_server", *options)))
    if who is Contender.LOCAL_INT8:
        return Launch((*launch.arguments, "--weights", "int8"), launch.environment)
    return launch


@contextmanager
def running(
    contenders: Sequence[Contender], bundle: Bundle, hardware: Hardware, *, threads: int, home: Path, log_folder: Path
) -> Iterator[Mapping[Contender, str]]:
    """All of them awake, until the block ends; what is not asked does not compute.

    Args:
        contenders: Their environments are there.
        bundle: A ranker.
        hardware: Of this machine.
        threads: Cores that each computes on.
        home: Directory of the environments.
        log_folder: Takes their output.

    Yields:
        Their addresses.

    Raises:
        BackendUnavailable: One did not start; the message has the end of its log.
    """
    wishes = Wishes(device=Device.CPU, dtype=Dtype.BFLOAT16, threads=threads, kv_mib=_KV_MIB)
    with ExitStack() as stack:
        urls = {}
        for who in contenders:
            prepared = prepare(engine_of(who), bundle, hardware, home=home, host=_HOST, port=free_port(), wishes=wishes)
            engine = stack.enter_context(
                RunningEngine(
                    replace(prepared, launch=launch_of(who, prepared)),
                    log_file=log_folder / f"bench-{who}.log",
                    inherited=environment_for({}),
                )
            )
            engine.start()
            urls[who] = engine.url
        yield urls
