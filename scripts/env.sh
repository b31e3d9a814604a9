# shellcheck shell=bash
# Paths and small words that the scripts share. Sourced, never run:
#   . "$(dirname "$0")/env.sh"

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1

export HOME=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
# Outside the checkout, so that a fresh clone finds what was built before.
cache=${INSTANTMENTOR_CACHE:-$HOME/.cache/instantmentor}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
export PATH="$cache/node/node_modules/.bin:$cache/tools/bin:$HOME/.cargo/bin:$PATH"
# The browser of the tests; where the system has none, the one that scripts/setup has fetched.
: "${CHROMIUM:=$(command -v chromium || true)}"
if [ -n "$CHROMIUM" ]; then export CHROMIUM; else unset CHROMIUM; fi

# Says what happens now.
step() { printf '\033[1m==> %s\033[0m\n' "$*"; }

# Says what a person should know although things go on.
note() { printf '    note: %s\n' "$*" >&2; }

# Ends with a sentence for the person.
stop() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# `at_least 1.95.1 1.95` is true.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# The folders that have npm packages of their own, locked.
npm_folders() {
    local lock
    for lock in ui/package-lock.json tests/node/package-lock.json bench/node/package-lock.json \
        crates/*/tests/node/package-lock.json; do
        [ -f "$lock" ] && dirname "$lock"
    done
    return 0
}

# One number for the content of everything under these paths that belongs to the project.
content_of() {
    git ls-files -co --exclude-standard -- "$@" | LC_ALL=C sort | while IFS= read -r file; do
        [ -f "$file" ] && sha256sum -- "$file"
    done | sha256sum | cut -d' ' -f1
}

# Steps that are all tried even when one fails: `try NAME COMMAND...`, then `tell_steps` at the end.
# `last_result` is ok or FAILED.
steps_told=()
steps_failed=0
try() {
    local name=$1 begin=$SECONDS
    shift
    step "$name"
    last_result=ok
    "$@" || last_result=FAILED
    [ "$last_result" = ok ] || steps_failed=$((steps_failed + 1))
    steps_told+=("$(printf '%-34s %5ds  %s' "$name" $((SECONDS - begin)) "$last_result")")
}

# One line a step: name, seconds, ok or FAILED.
tell_steps() { printf '%s\n' "" "${steps_told[@]}"; }
