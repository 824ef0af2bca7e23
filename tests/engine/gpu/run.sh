#!/usr/bin/env bash
# The engine's tests that need a GPU, then its figures: tests/engine/gpu/run.sh [OUTPUT.json]. `make test-gpu` runs it.
# PYTHON names one with what requirements/engine.in lists, torch a build for CUDA; a C compiler must be on PATH.
set -uo pipefail
cd "$(dirname "$0")/../../.."
python=${PYTHON:-.engines/base/bin/python}
output=${1:-build/gpu.json}
status=0

# That environment may lack the plug-ins that pyproject.toml configures, and its torch may warn of other things.
PYTHONPATH=. "$python" -m pytest tests/engine/gpu -q -p no:cacheprovider \
  -o addopts=--import-mode=importlib -o minversion=1 -o filterwarnings=ignore || status=1
PYTHONPATH=. "$python" -W ignore tests/engine/gpu/figures.py "$output" && cat "$output" || status=1
exit $status
