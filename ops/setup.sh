#!/usr/bin/env bash
# Makes the two environments of this checkout from the locks in requirements/.
#
#   ops/setup.sh [services] [engine]      (default: both; what is complete already is left alone)
#
#   .venv           services, command, checks        requirements/dev.lock, the project itself as an editable install
#   .engines/base   torch, for engine and training   requirements/engine.lock, a link into a cache that checkouts share
#
# PYTHON             interpreter to use (default: the first of python3.13, 3.12, 3.11, python3 that fits)
# PRECIS_ENV_CACHE   where engine environments lie (default: ~/.cache/precis/envs), one a lock and Python version
#
# Every environment is built where it stays (its scripts name their folder) and stamped last: without the right stamp it is
# removed and built again, so an interrupted install is never taken for a complete one.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly services_note="about 140 MB to download, 0.6 GB on disk"
readonly engine_note="about 2.8 GB to download, 5.2 GB on disk, 9 GB free while it is made"
readonly services_free_gb=1
readonly engine_free_gb=9

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

build() { # build FOLDER LOCK STAMP
  local started=$SECONDS
  rm -rf "$1"
  mkdir -p "$(dirname "$1")"
  "$python" -m venv "$1"
  install_lock "$1" "$2"
  printf '%s\n' "$3" >"$1/.complete"
  say "$1 made in $((SECONDS - started)) s, $(du -sm "$1" | cut -f 1) MB"
}

# --- the two environments ---

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

link_engine() { # link_engine FOLDER
  mkdir -p .engines
  if [ -e .engines/base ] && [ ! -L .engines/base ]; then
    die "$PWD/.engines/base is a folder that this script did not make. Move it away (or remove it) and run again."
  fi
  ln -sfn "$1" .engines/base
}

setup_engine() {
  local cache stamp folder
  cache=${PRECIS_ENV_CACHE:-${XDG_CACHE_HOME:-${HOME:?set HOME or PRECIS_ENV_CACHE}/.cache}/precis/envs}
  mkdir -p "$cache"
  cache=$(cd "$cache" && pwd)
  stamp="$(digest <requirements/engine.lock)-py$version"
  folder="$cache/engine-$stamp"
  # Two checkouts may be set up at once; the second waits and finds the work done.
  exec 9>"$cache/.lock"
  if command -v flock >/dev/null && ! flock --nonblock 9; then
    say "engine: another set-up works in $cache; waiting for it"
    flock 9
  fi
  if is_complete "$folder" "$stamp"; then
    say "engine: $folder is up to date"
  else
    say "engine: installing requirements/engine.lock into $folder ($engine_note)"
    need_free_gb "$cache" "$engine_free_gb"
    build "$folder" requirements/engine.lock "$stamp"
  fi
  exec 9>&-
  link_engine "$folder"
}

main() {
  [ $# -gt 0 ] || set -- services engine
  [ "$(uname -sm)" = "Linux x86_64" ] || say "warning: $(uname -sm) is untested; Linux x86_64 is what is supported"
  python=$(find_python)
  version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  local part
  for part in "$@"; do
    case $part in
      services | engine) "setup_$part" ;;
      *) die "$part is not an environment; choose services or engine" ;;
    esac
  done
}

main "$@"
