#!/usr/bin/env bash
# Races a real Flink and Weir: crates/weir/benches/race/main.rs says how, and docs/race.md with what result.
#
#   RACE_EVENTS=100000 RACE_RUNS=1 make race
#
# Builds Weir, and gets Kafka and Flink from Maven Central into the target directory. All processes and temporary files end
# with this script, also when it is interrupted. Exits with 2 where a tool is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh
[ "$(uname)" = Linux ] || { echo "the race needs Linux: it reads CPU time and memory of processes in /proc" >&2; exit 2; }
{ have_cargo && have_cc; } || exit 2
scripts/kafka.sh
scripts/flink-cluster.sh --get
cargo bench -p weir --bench race --locked --no-run

TMPDIR=$(mktemp -d)
export TMPDIR
race=
finish() {
  # Bash reports the end of the race that this function causes.
  exec 2>/dev/null
  if [ -n "$race" ]; then
    kill -TERM -- "-$race" 2>/dev/null || true
    for _ in $(seq 100); do
      kill -0 -- "-$race" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL -- "-$race" 2>/dev/null || true
  fi
  rm -rf "$TMPDIR"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The race has a process group of its own, with everything that it starts.
set -m
cargo bench -q -p weir --bench race --locked </dev/null &
race=$!
wait "$race"
