"""Run by `ops/setup.sh` in a new SGLang environment: the server and the model it is for can be imported."""

import sglang.launch_server
import sglang.srt.entrypoints.http_server
import sglang.srt.models.qwen3  # noqa: F401
