#!/usr/bin/env bash
# Formats Rust and TypeScript.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo fmt --all
if command -v npm >/dev/null; then
  scripts/ui.sh format
fi
