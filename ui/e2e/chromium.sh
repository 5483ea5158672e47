#!/bin/sh
# Makes sure that there is a Chromium for the end-to-end tests; does nothing where there is one.
# Exits with 2 where it can neither find nor install it.
set -u

for browser in "${CHROMIUM:-}" /usr/bin/chromium; do
  [ -n "$browser" ] && [ -x "$browser" ] && exit 0
done

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing chromium" >&2
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-noto-core; } >&2
  [ -x /usr/bin/chromium ] && exit 0
fi

echo "end-to-end tests need Chromium: install the package chromium, or set CHROMIUM to its executable" >&2
exit 2
