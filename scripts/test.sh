#!/usr/bin/env bash
# Everything that must hold before a change goes in. The last line is `N passed, N failed`.
#
# A missing tool is one line that says what to install, and its tests count as skipped; with CI=true they fail. One
# target directory serves all steps. Logs of each step are in target/test-logs.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh

passed=0
failed=0
skipped=0
failures=
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
logs=$CARGO_TARGET_DIR/test-logs
mkdir -p "$logs"
if [ "${CI:-}" = true ]; then
  # Nothing is compiled twice in CI, so what makes the second time faster only takes time and disk.
  export CARGO_INCREMENTAL=0
  # Schedules of trouble: thousands, where nobody waits.
  export SIMULATION_SEEDS=${SIMULATION_SEEDS:-3000}
fi

# step NAME COMMAND…: runs it, and counts the tests that its output tells of, or itself if it tells of none.
step() {
  local name=$1 log=$logs/$1.log started=$SECONDS status=0 good bad
  shift
  echo "== $name"
  "$@" 2>&1 | tee "$log" | grep --line-buffered -vE '^test .* ok$|^ *(Compiling|Checking|Fresh|Downloaded|Downloading) '
  status=${PIPESTATUS[0]}
  # cargo: `test result: ok. 3 passed; 0 failed; …`; vitest: `Tests  3 passed (3)`; Playwright: `  3 passed (2s)`.
  sed -E 's/\x1b\[[0-9;]*m//g' "$log" >"$log.plain" && mv "$log.plain" "$log"
  good=$(count passed "$log")
  bad=$(count failed "$log")
  if [ "$status" != 0 ] && [ "$bad" = 0 ]; then bad=1; fi
  if [ "$status" = 0 ] && [ "$good" = 0 ]; then good=1; fi
  passed=$((passed + good))
  failed=$((failed + bad))
  [ "$bad" = 0 ] || failures="$failures$(failures_of "$name" "$log")"$'\n'
  echo "== $name: $good passed, $bad failed ($((SECONDS - started)) s)"
  return "$status"
}

# count WORD LOG: the sum over the log's summary lines.
count() {
  grep -E '^test result:|^ +Tests +|^ +[0-9]+ (passed|failed)( \(|$)' "$2" | grep -oE "[0-9]+ $1" |
    awk '{ sum += $1 } END { print sum + 0 }'
}

# failures_of STEP LOG: what a reader of the last lines needs. The names of failed tests, with the first lines of their
# panics, or the end of the log if the step failed without a test.
failures_of() {
  local log=$2
  echo "-- $1 failed:"
  if grep -qE '^test .* FAILED$' "$log"; then
    grep -E '^test .* FAILED$' "$log"
    grep -A 6 -E "^thread '.*panicked at" "$log" | cut -c 1-300 | head -n 60
  elif grep -qE '^ +[0-9]+\) |^ FAIL ' "$log"; then
    grep -A 8 -E '^ +[0-9]+\) |^ FAIL ' "$log" | cut -c 1-300 | head -n 60
  else
    tail -n 30 "$log" | cut -c 1-300
  fi
}

# skip WHAT: a tool is missing.
skip() {
  if [ "${CI:-}" = true ]; then
    failed=$((failed + 1))
    echo "== $1: failed, for want of a tool"
  else
    skipped=$((skipped + 1))
    echo "== $1: skipped"
  fi
}

# The UI comes first: its files become part of the binary.
if have_npm; then
  if step ui-packages scripts/ui.sh build; then
    step ui-types scripts/ui.sh typecheck
    step ui-lint scripts/ui.sh lint
    step ui-tests scripts/ui.sh test
  fi
  # Its pages are docs/. A dead link is an error.
  step site scripts/site.sh
else
  skip "tests of the dashboard and of the documentation site"
fi

if have_cargo && have_cc; then
  # Without it, the tests that need it say so and do nothing.
  scripts/redis.sh || skip "tests with Redis"
  scripts/kafka.sh || skip "tests with Kafka"
  scripts/flink.sh || skip "tests with Flink's clients"
  scripts/prometheus.sh || skip "tests of alert rules"
  scripts/python.sh || skip "tests with clients in Python"
  sh ui/e2e/chromium.sh || skip "tests with Flink's web UI"
  step format cargo fmt --all --check
  step lints cargo clippy --workspace --all-targets --locked -- -D warnings
  step tests cargo test --workspace --locked --no-fail-fast
  if scripts/kafka.sh && scripts/flink-cluster.sh --get; then
    FLINK_SLOTS=4 step flink-cluster scripts/flink-cluster.sh cargo test --workspace --locked --test side_by_side -- brief
  else
    skip "a take-over by a Flink cluster, and its results"
  fi
  RUSTDOCFLAGS="-D warnings" step docs cargo doc --workspace --no-deps --locked --document-private-items
else
  skip "tests of Rust"
fi

if have_npm; then
  sh ui/e2e/chromium.sh
  case $? in
    0) step end-to-end scripts/e2e.sh "$CARGO_TARGET_DIR/debug/weir" ;;
    *) skip "end-to-end tests" ;;
  esac
fi

printf '%s' "$failures"
[ "$skipped" = 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
