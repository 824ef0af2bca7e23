"""Run by `ops/setup.sh` in a new training environment: TRL's trainer loads, on the torch of the base."""

import sys

import torch
from trl import GRPOConfig, GRPOTrainer  # noqa: F401 (the import is the check: it pulls in accelerate and datasets)

if torch.__file__.startswith(sys.prefix):
    raise SystemExit(f"torch came from {torch.__file__}; it is to be the base's, so that it is on disk once")
