#!/bin/sh
# Makes sure that there is a redis-server for the tests; does nothing where there is one.
# Exits with 2 where it can neither find nor install it.
set -u

command -v redis-server >/dev/null 2>&1 && command -v redis-cli >/dev/null 2>&1 && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing redis-server" >&2
  export DEBIAN_FRONTEND=noninteractive
  # Only its binaries are wanted, not a server that runs.
  policy=/usr/sbin/policy-rc.d
  [ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy" && made=$policy; }
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends redis-server; } >&2
  [ -z "${made:-}" ] || rm -f "$made"
  command -v redis-server >/dev/null 2>&1 && exit 0
fi

echo "tests with Redis need redis-server and redis-cli: install the package redis-server (macOS: brew install redis)" >&2
exit 2
