"""Run by `ops/setup.sh` in a new vLLM environment: the package loads, with its kernels for this processor."""

import torch
from vllm.platforms import current_platform

if current_platform.device_type != "cpu":
    raise SystemExit(f"vLLM chose the platform {current_platform.device_type!r}, this is its CPU build")
current_platform.import_kernels()  # picks the build for AVX2, for AVX-512, or for AVX-512 with bfloat16 and AMX
if not hasattr(torch.ops._C, "cpu_attention_with_kv_cache"):  # noqa: SLF001 (where vLLM registers its kernels)
    raise SystemExit("vLLM's CPU kernels did not load")
