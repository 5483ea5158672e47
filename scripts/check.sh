#!/usr/bin/env bash
# The quick part of the tests: format, lints, and the licences and advisories of dependencies.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh
have_cargo && have_cc

cargo fmt --all --check
cargo clippy --workspace --all-targets -- -D warnings
# It asks the advisory database over the network, so it is here and not in the tests.
if have cargo-deny "cargo install cargo-deny --locked (skipped: licences and advisories)"; then
  cargo deny --all-features check
fi
