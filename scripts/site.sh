#!/usr/bin/env bash
# The documentation site: `site.sh` builds it into site/dist and checks its links; `site.sh preview` serves it on 127.0.0.1.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh
have_npm

cd site
# npm writes its own lock file last: it is newer than ours when the packages are those of ours.
if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
  npm ci --no-audit --no-fund
fi
npm run --silent "${1:-build}"
