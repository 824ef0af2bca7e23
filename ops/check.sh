#!/usr/bin/env bash
# Every static check, all of them even where one fails; exits 1 if any did. `make check` runs it.
set -uo pipefail
cd "$(dirname "$0")/.."

failed=()

check() { # check NAME COMMAND...
  local name=$1 started=$SECONDS output
  shift
  if output=$("$@" 2>&1); then
    printf 'ok      %-20s %3d s\n' "$name" $((SECONDS - started))
  else
    printf 'FAILED  %-20s %3d s\n%s\n' "$name" $((SECONDS - started)) "$output"
    failed+=("$name")
  fi
}

# The rules for text look at what git tracks or would track: not at environments, stores and logs.
spelling() { git ls-files -z --cached --others --exclude-standard | xargs -0 .venv/bin/codespell; }

# Lines that $1 matches; fails where there are any.
none_match() {
  git grep --untracked -nIE "$1"
  [ $? -eq 1 ] # 0: found some, more than 1: git failed
}

# The pattern is spelled so that it does not match itself.
no_registry_host() { none_match 'pypi[.]org|python[h]osted[.]org|npmjs[.](org|com)|maven[.]apache[.]org/maven2|(download|pypi)[.](pytorch|nvidia)[.](org|com)'; }

no_machine_path() { none_match '(^|[^A-Za-z0-9_.])/(work|farm|root|tmp/brief)/[A-Za-z0-9_.-]'; }

no_large_module() {
  find schemas store models stream serve ops tests -name '*.py' -exec wc -l {} + |
    awk '$2 != "total" && $1 > 400 { print $2 ": " $1 " lines, 400 at most"; found = 1 } END { exit found }'
}

check "ruff check" .venv/bin/ruff check --output-format concise
check "ruff format" .venv/bin/ruff format --check --output-format concise
check "mypy" .venv/bin/mypy
check "lint-imports" .venv/bin/lint-imports --no-logo
check "codespell" spelling
check "compose file" .venv/bin/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
check "no registry host" no_registry_host
check "no machine path" no_machine_path
check "module length" no_large_module

if [ ${#failed[@]} -gt 0 ]; then
  printf 'failed: %s\n' "${failed[*]}" >&2
  exit 1
fi
