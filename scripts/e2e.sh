#!/usr/bin/env bash
# The pages in a browser, against real servers: Weirs that the tests start, some with tokens and over https, and an empty
# one.
#
#   e2e.sh BINARY
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh
weir=$(realpath "${1:?the binary of weir}")
have openssl "install it (Debian: apt install openssl): tests of https make a certificate with it"

WEIR_BINARY=$weir scripts/ui.sh e2e

directory=$(mktemp -d)
"$weir" up --data-dir "$directory/data" --http 127.0.0.1:0 --jobs-http 127.0.0.1:0 --gateway-http 127.0.0.1:0 >"$directory/out" 2>"$directory/log" &
up=$!
finish() {
  kill -INT "$up" 2>/dev/null || true
  wait "$up" || true
  rm -rf "$directory"
}
trap finish EXIT

# It says `weir is up: http://127.0.0.1:41234/ …` once it listens.
for _ in $(seq 300); do
  url=$(sed -nE 's|^weir is up: (http://[^ ]*)/ .*|\1|p' "$directory/out")
  [ -z "$url" ] || break
  kill -0 "$up" || { cat "$directory/log" >&2; exit 1; }
  sleep 0.1
done
WEIR_URL=$url scripts/ui.sh e2e || { cat "$directory/log" >&2; exit 1; }
