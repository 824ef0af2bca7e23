#!/usr/bin/env bash
# Makes the environments of this checkout from the locks in requirements/.
#
#   ops/setup.sh [services] [engine] [vllm] [sglang] [training] [rerank_clients]   (default: services engine)
#   ops/setup.sh state [engine] [vllm] [sglang] [training]        one line each: name, "complete", "stale" or "missing", folder
#
#   .venv             services, command, checks        requirements/dev.lock, the project itself as an editable install
#   .engines/base     torch, for engine and training   requirements/engine.lock, a link into a cache that checkouts share
#   .engines/vllm     vLLM, over the base              requirements/vllm.lock, likewise
#   .engines/sglang   SGLang, over the base            requirements/sglang.lock, likewise
#   .engines/training TRL and plots, over the base     requirements/training.lock, likewise
#   .engines/rerank_clients   other makers' clients, for tests   requirements/rerank_clients.lock, likewise, without the base
#
# An engine's environment holds what the base lacks; a .pth file in it names the base, so that torch is on disk once.
# It is known by the hash of its own lock, the base's, and what requirements/cpu_shims adds: a change in any makes a new one.
#
# PYTHON             interpreter to use (default: the first of python3.13, 3.12, 3.11, python3 that fits)
# PRECIS_ENV_CACHE   where engine environments lie (default: ~/.cache/precis/envs), one a lock and Python version
#
# What is complete already is left alone. Every environment is built where it stays (its scripts name their folder) and stamped
# last: without the right stamp it is removed and built again, so an interrupted install is never taken for a complete one.
# What was complete before it is kept.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly services_note="about 140 MB to download, 0.6 GB on disk"
readonly engine_note="about 2.8 GB to download, 5.2 GB on disk, 9 GB free while it is made"
readonly vllm_note="about 0.2 GB to download, 0.7 GB on disk, a minute; 2 GB free while it is made"
readonly sglang_note="about 0.2 GB to download, 0.5 GB on disk, a minute; 2 GB free while it is made"
readonly training_note="about 190 MB to download, 0.7 GB on disk, a minute; 2 GB free while it is made"
readonly rerank_clients_note="about 90 MB to download, 0.4 GB on disk, a minute"
readonly services_free_gb=1
readonly engine_free_gb=9
readonly overlay_free_gb=2
readonly rerank_clients_free_gb=1

say() { printf 'setup: %s\n' "$*"; }
die() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}

# Settings that would send packages elsewhere than into the environment, or bring others in.
unset PYTHONPATH PYTHONHOME PIP_TARGET PIP_PREFIX PIP_USER PIP_REQUIREMENT PIP_CONSTRAINT

# --- the interpreter ---

# Why $1 cannot be used, or nothing where it can.
unfit() {
  command -v "$1" >/dev/null 2>&1 || { echo "not found" && return; }
  "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null ||
    { echo "is $("$1" --version 2>&1 | head -n 1), 3.11 to 3.13 is needed" && return; }
  "$1" -c 'import venv, ensurepip' 2>/dev/null ||
    echo "has no venv module (Debian, Ubuntu: apt install $("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'))"
}

# Sets python, and version as 3.11. For engines alone it is the base's, which they stand on; looking for another takes longer.
choose_python() { # choose_python PART...
  python=.engines/base/bin/python
  if [ -n "${PYTHON:-}" ] || [[ " $* " == *" services "* ]] || ! [ -x "$python" ]; then python=$(find_python); fi
  version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
}

find_python() {
  local candidate reason reasons=""
  for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
    reason=$(unfit "$candidate")
    if [ -z "$reason" ]; then
      command -v "$candidate"
      return
    fi
    reasons+=$'\n'"  $candidate $reason"
  done
  die "no usable Python. Install Python 3.11, 3.12 or 3.13 with its venv module, or name one: PYTHON=/path/to/python make setup$reasons"
}

# --- building ---

digest() { sha256sum | cut -c 1-12; }

need_free_gb() { # need_free_gb FOLDER GB
  local free
  free=$(df -Pk "$1" | awk 'NR == 2 { print int($4 / 1000000) }')
  [ "$free" -ge "$2" ] || die "$1 has $free GB free, $2 GB are needed. Free some, or set PRECIS_ENV_CACHE to a folder with room."
}

is_complete() { # is_complete FOLDER STAMP
  [ "$(cat "$1/.complete" 2>/dev/null)" = "$2" ] && "$1/bin/python" -c '' 2>/dev/null
}

# Of pip's output: the files of 1 MB and more as they come, and the start of the unpacking.
show_progress() {
  awk '/^ *Downloading / && /[MG]B\)/ { print "  " $2, $3, $4; fflush() }
       /^Installing collected packages/ { print "  unpacking"; fflush() }'
}

# pip keeps its downloads beside the environment: /tmp may be small, and may be memory.
install_lock() { # install_lock FOLDER LOCK
  local downloads="$1/.downloads"
  mkdir "$downloads"
  TMPDIR=$downloads PYTHONUNBUFFERED=1 "$1/bin/python" -m pip install --disable-pip-version-check --no-cache-dir \
    --progress-bar off --no-deps --require-hashes --only-binary :all: --requirement "$2" | show_progress ||
    die "pip could not install $2 into $1 (its message stands above). Check the network and run again."
  rm -rf "$downloads"
}

begin() { # begin FOLDER
  started=$SECONDS
  rm -rf "$1"
  mkdir -p "$(dirname "$1")"
  "$python" -m venv "$1"
}

finish() { # finish FOLDER STAMP
  printf '%s\n' "$2" >"$1/.complete"
  say "$1 made in $((SECONDS - started)) s, $(du -sm "$1" | cut -f 1) MB"
}

build() { # build FOLDER LOCK STAMP
  begin "$1"
  install_lock "$1" "$2"
  finish "$1" "$3"
}

# The base is named only when pip is done, which would else take the base's packages for its own to replace.
build_overlay() { # build_overlay NAME FOLDER STAMP
  local packages="lib/python$version/site-packages" shims=requirements/cpu_shims/$1
  begin "$2"
  install_lock "$2" "requirements/$1.lock"
  printf '%s\n' "$base/$packages" >"$2/$packages/zz_base.pth"
  if [ -d "$shims" ]; then cp -R "$shims/." "$2/$packages/"; fi
  SGLANG_USE_CPU_ENGINE=1 "$2/bin/python" -W ignore "requirements/cpu_shims/check_$1.py" ||
    die "$2 is installed, but $1 does not load in it (its message stands above). On another kind of processor or C library than \
Linux x86_64 with glibc 2.34 this is to be expected; else please report it."
  finish "$2" "$3"
}

# --- the environments ---

setup_services() {
  local stamp project
  stamp="$(digest <requirements/dev.lock) py$version $PWD"
  if is_complete .venv "$stamp"; then
    say "services: .venv is up to date"
  else
    say "services: installing requirements/dev.lock into .venv ($services_note)"
    need_free_gb . "$services_free_gb"
    build .venv requirements/dev.lock "$stamp"
  fi
  project=$(digest <pyproject.toml)
  if [ "$(cat .venv/.project 2>/dev/null)" != "$project" ]; then
    .venv/bin/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
    printf '%s\n' "$project" >.venv/.project
    say "services: the command is .venv/bin/precis"
  fi
}

link_engine() { # link_engine NAME FOLDER
  mkdir -p .engines
  if [ -e ".engines/$1" ] && [ ! -L ".engines/$1" ]; then
    die "$PWD/.engines/$1 is a folder that this script did not make. Move it away (or remove it) and run again."
  fi
  ln -sfn "$2" ".engines/$1"
}

# Sets cache, base, base_stamp: where engine environments lie, and the one that all of them share.
find_cache() {
  cache=${PRECIS_ENV_CACHE:-${XDG_CACHE_HOME:-${HOME:?set HOME or PRECIS_ENV_CACHE}/.cache}/precis/envs}
  mkdir -p "$cache"
  cache=$(cd "$cache" && pwd)
  base_stamp="$(digest <requirements/engine.lock)-py$version"
  base="$cache/engine-$base_stamp"
}

overlay_stamp() { # overlay_stamp NAME
  local shims=requirements/cpu_shims/$1
  { cat requirements/engine.lock "requirements/$1.lock" && { [ ! -d "$shims" ] || find "$shims" -name '*.py' | LC_ALL=C sort | xargs cat; }; } | digest
}

# Two checkouts may be set up at once; the second waits and finds the work done.
lock_cache() {
  exec 9>"$cache/.lock"
  if command -v flock >/dev/null && ! flock --nonblock 9; then
    say "another set-up works in $cache; waiting for it"
    flock 9
  fi
}

setup_cached() { # setup_cached NAME LINK FOLDER STAMP NOTE FREE_GB
  lock_cache
  if is_complete "$3" "$4"; then
    say "$1: $3 is up to date"
  else
    say "$1: installing requirements/$1.lock into $3 ($5)"
    need_free_gb "$cache" "$6"
    build "$3" "requirements/$1.lock" "$4"
  fi
  exec 9>&-
  link_engine "$2" "$3"
}

setup_engine() { setup_cached engine base "$base" "$base_stamp" "$engine_note" "$engine_free_gb"; }

# Stands alone: its packages agree neither with the services' nor with the engines', and nothing imports them but tests.
setup_rerank_clients() {
  local stamp
  stamp="$(digest <requirements/rerank_clients.lock)-py$version"
  setup_cached rerank_clients rerank_clients "$cache/rerank_clients-$stamp" "$stamp" "$rerank_clients_note" "$rerank_clients_free_gb"
}

setup_overlay() { # setup_overlay NAME NOTE
  local stamp folder
  stamp="$(overlay_stamp "$1")-py$version"
  folder="$cache/$1-$stamp"
  if is_complete "$base" "$base_stamp" && is_complete "$folder" "$stamp"; then
    say "$1: $folder is up to date"
  else
    setup_engine
    lock_cache
    say "$1: installing requirements/$1.lock into $folder ($2)"
    need_free_gb "$cache" "$overlay_free_gb"
    build_overlay "$1" "$folder" "$stamp"
    exec 9>&-
  fi
  link_engine base "$base"
  link_engine "$1" "$folder"
}

print_state() { # print_state NAME LINK FOLDER STAMP
  local state=missing
  if is_complete "$3" "$4"; then
    state=complete
  elif [ -e ".engines/$2" ]; then
    state=stale # what the link names was made from other locks, or was cut off
  fi
  printf '%s\t%s\t%s\n' "$1" "$state" "$3"
}

show_state() {
  local name stamp
  for name in "$@"; do
    case $name in
      engine) print_state engine base "$base" "$base_stamp" ;;
      vllm | sglang | training)
        stamp="$(overlay_stamp "$name")-py$version"
        print_state "$name" "$name" "$cache/$name-$stamp" "$stamp"
        ;;
      *) die "$name is not an engine environment; choose engine, vllm, sglang or training" ;;
    esac
  done
}

main() {
  [ $# -gt 0 ] || set -- services engine
  [ "$(uname -sm)" = "Linux x86_64" ] || say "warning: $(uname -sm) is untested; Linux x86_64 is what is supported" >&2
  choose_python "$@"
  find_cache
  if [ "$1" = state ]; then
    shift
    show_state "$@"
    return
  fi
  local part
  for part in "$@"; do
    case $part in
      services | engine | rerank_clients) "setup_$part" ;;
      vllm) setup_overlay vllm "$vllm_note" ;;
      sglang) setup_overlay sglang "$sglang_note" ;;
      training) setup_overlay training "$training_note" ;;
      *) die "$part is not an environment; choose services, engine, vllm, sglang, training or rerank_clients" ;;
    esac
  done
}

main "$@"
