#!/usr/bin/env bash
# Builds Weir and its dashboard, starts Weir and a generator of events, and prints the addresses. Ctrl-C stops both.
#
#   RATE=1000 make run            another number of events per second (200)
#   WEIR_HTTP_ADDRESS=… make run  any setting, as in config/weir.toml
#   WEIR_LOG=info make run        log more than warnings
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh
have_cargo && have_cc

weir=${CARGO_TARGET_DIR:-target}/release/weir
if [ ! -x "$weir" ]; then
  echo "Building Weir. The first build takes several minutes, later builds much less." >&2
fi

# Without Node.js there is no dashboard, but everything else works.
if have_npm; then
  if [ ! -d ui/dist/assets ] || [ -n "$(find ui/src ui/index.html ui/package-lock.json -newer ui/dist/assets -print -quit)" ]; then
    scripts/ui.sh build
  fi
else
  echo "Continuing without the dashboard." >&2
fi
cargo build --release --locked -p weir

# Log only warnings, so that the addresses below do not scroll away.
export WEIR_LOG=${WEIR_LOG:-warn}

# Weir prints its addresses to stdout.
pipe=$(mktemp -d)
mkfifo "$pipe/said"
trap 'rm -rf "$pipe"' EXIT

# Each process has its own process group: Ctrl-C then reaches only this script, which passes it on once to each.
set -m
"$weir" up >"$pipe/said" &
up=$!
generator=

finish() {
  if [ -n "$generator" ]; then
    kill -INT "$generator" 2>/dev/null && wait "$generator" || true
  fi
  kill -INT "$up" 2>/dev/null || true
}
trap finish INT TERM

# `weir is up: http://127.0.0.1:8000/ jobs: http://127.0.0.1:8081/ SQL gateway: http://127.0.0.1:8083/`, or nothing if
# Weir ends before that.
exec 3<"$pipe/said"
read -r said <&3 || true
if [ -n "$said" ]; then
  read -r http jobs gateway <<<"$(grep -oE 'https?://[^ ]+' <<<"$said" | tr '\n' ' ')"
  "$weir" generate --rate "${RATE:-200}" --out-of-order 2 --url "${http}events" --retry-for 60 &
  generator=$!

  data=$("$weir" config 2>/dev/null | sed -nE 's/^data_dir *= *"([^"]*)".*/\1/p')
  cat >&2 <<TEXT

  Weir is up and counts ${RATE:-200} generated events per second. Ctrl-C stops it; its data stays in ${data:-weir-data}.

  follow      $weir tail --url ${http%/}
  SQL         $weir sql --gateway ${gateway%/}
  jobs        $jobs
  analytics   ${http}analytics/redis/faculty
  dashboard   $http

TEXT
fi

# Rows of `print` tables come on stdout too; without a reader their job would wait.
cat <&3 &

# A signal interrupts `wait`, so wait until the process has ended; `wait` then returns its status.
while kill -0 "$up" 2>/dev/null; do
  wait "$up" || true
done
status=0
wait "$up" || status=$?
if [ -n "$generator" ]; then
  kill -INT "$generator" 2>/dev/null || true
fi
exit "$status"
