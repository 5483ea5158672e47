#!/usr/bin/env bash
# The dashboard: `ui.sh build`, or `ui.sh <npm script>`, after its packages are there as the lock file says.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh
have_npm

cd ui
# npm writes its own lock file last: it is newer than ours when the packages are those of ours.
if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
  npm ci --no-audit --no-fund
fi
npm run --silent "${1:?build, lint, typecheck, test or e2e}"
