"""Stands in for SGLang's kernel package, which no registry has for the CPU, so that SGLang can be imported.

Every name resolves; calling one raises. No kernel is imitated: with `--attention-backend torch_native` SGLang computes
a Qwen3 in PyTorch alone and calls none of them. Copied into the environment of `precis engine install sglang`.
"""

__version__ = "0.0.0+cpu.stub"


def __getattr__(name: str) -> object:
    if name.startswith("__"):
        raise AttributeError(name)

    def missing(*_args: object, **_kwargs: object) -> object:
        raise NotImplementedError(f"sgl_kernel.{name}: this environment holds no kernels, PyTorch computes everything")

    missing.__name__ = name
    return missing
