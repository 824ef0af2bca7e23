#!/usr/bin/env bash
# Writes the locks: exact versions with the hashes of every file, for all platforms, without any registry's address.
#
#   requirements/compile.sh              keeps pinned versions that still satisfy pyproject.toml and *.in
#   requirements/compile.sh --upgrade    takes the newest ones that do
#
# requirements/engine.in also constrains the services: a library that both sides use (tokenizers above all) has one version.
set -euo pipefail
cd "$(dirname "$0")/.."

# Wheel folders of the machine that compiles do not belong into a lock.
unset PIP_FIND_LINKS UV_FIND_LINKS

compile() {
  local output=$1
  shift
  printf 'requirements/%s\n' "$output"
  .venv/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
    --output-file "requirements/$output" "$@" >/dev/null
}

compile engine.lock requirements/engine.in "$@"
# Complete lists by hand, which say why: hashes are added, nothing is resolved.
compile vllm.lock requirements/vllm.in --no-deps "$@"
compile sglang.lock requirements/sglang.in --no-deps "$@"
# Over the base as well, but its dependencies agree with the base's: resolved together, and written without what the base has.
mapfile -t in_base < <(sed -n 's/^\([a-z0-9.-]*\)==.*/--no-emit-package=\1/p' requirements/engine.lock)
compile training.lock requirements/training.in --constraint requirements/engine.lock "${in_base[@]}" "$@"
compile services.lock pyproject.toml --constraint requirements/engine.in "$@"
compile dev.lock pyproject.toml requirements/dev.in --constraint requirements/services.lock --constraint requirements/engine.in "$@"
compile build.lock requirements/build.in --constraint requirements/dev.lock "$@"
compile rerank_clients.lock requirements/rerank_clients.in "$@"
