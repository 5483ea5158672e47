#!/bin/sh
# Makes sure that the tests have their Python programs (scripts/python/requirements.txt), from PyPI, in an environment of
# their own in the target directory; does nothing where it is. Exits with 2 where it can neither find nor install what that
# takes.
set -u
cd "$(dirname "$0")/.." || exit 1

wanted=scripts/python/requirements.txt
directory=${CARGO_TARGET_DIR:-$PWD/target}/python
cmp -s "$wanted" "$directory/complete" && "$directory/bin/python" -c '' 2>/dev/null && exit 0

missing() {
  echo "tests with clients in Python need $1: install $2" >&2
  exit 2
}

# An environment needs pip, which Debian packs apart.
is_whole() {
  python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null
}
if ! is_whole && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing python3-venv" >&2
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends python3 python3-venv; } >&2
fi
is_whole || missing "python3" "Python 3.10 or newer with venv (Debian: apt install python3-venv)"

echo "getting the tests' Python programs" >&2
rm -rf "$directory"
python3 -m venv "$directory" && "$directory/bin/pip" install -q --disable-pip-version-check -r "$wanted" >&2 ||
  missing "their packages" "them from PyPI, see above"
cp "$wanted" "$directory/complete"
