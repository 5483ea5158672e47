#!/usr/bin/env bash
# Builds Weir and its dashboard, starts it with a generator of events, and says where to look. Ctrl-C ends both.
#
#   RATE=1000 make run            another rate of events a second (200)
#   WEIR_HTTP_ADDRESS=… make run  any setting, as in config/weir.toml
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh
have_cargo && have_cc

# Without Node.js there is no dashboard, but everything else works.
if have_npm; then
  if [ ! -d ui/dist/assets ] || [ -n "$(find ui/src ui/index.html ui/package-lock.json -newer ui/dist/assets -print -quit)" ]; then
    scripts/ui.sh build
  fi
fi
cargo build --release --locked -p weir
weir=${CARGO_TARGET_DIR:-target}/release/weir

# Each in a process group of its own: Ctrl-C then reaches only this script, which passes it on once to each.
set -m
address=${WEIR_HTTP_ADDRESS:-127.0.0.1:8000}
"$weir" up &
up=$!
"$weir" generate --rate "${RATE:-200}" --out-of-order 2 --url "http://$address/events" --retry-for 60 &
generator=$!

finish() {
  kill -INT "$generator" 2>/dev/null && wait "$generator" || true
  kill -INT "$up" 2>/dev/null || true
}
trap finish INT TERM

cat >&2 <<TEXT

  dashboard   http://$address/
  analytics   http://$address/analytics/redis/faculty
  jobs        http://${WEIR_JOBS_HTTP_ADDRESS:-127.0.0.1:8081}/
  follow      $weir tail --url http://$address

  Ctrl-C ends it.

TEXT

# A signal interrupts `wait`: it is over when the process is.
status=0
while kill -0 "$up" 2>/dev/null; do
  status=0
  wait "$up" || status=$?
done
kill -INT "$generator" 2>/dev/null || true
exit "$status"
