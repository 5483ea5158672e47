#!/bin/sh
# Makes sure that there is promtool, which tests the alert rules; does nothing where there is one.
# Exits with 2 where it can neither find nor install it.
set -u

command -v promtool >/dev/null 2>&1 && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing prometheus" >&2
  export DEBIAN_FRONTEND=noninteractive
  # Only promtool is wanted, not a server that runs.
  policy=/usr/sbin/policy-rc.d
  [ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy" && made=$policy; }
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends prometheus; } >&2
  [ -z "${made:-}" ] || rm -f "$made"
  command -v promtool >/dev/null 2>&1 && exit 0
fi

echo "tests of alert rules need promtool: install the package prometheus (macOS: brew install prometheus)" >&2
exit 2
