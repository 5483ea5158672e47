# Sourced by the other scripts: what to do where a tool is missing.

# have TOOL HOW: true if the tool is there. If not, says in one line how to get it.
have() {
  command -v "$1" >/dev/null 2>&1 && return 0
  echo "$1 is missing: $2" >&2
  return 1
}

have_cargo() {
  have cargo "install Rust from https://rustup.rs"
}

have_npm() {
  have npm "install Node.js 20.19 or newer from https://nodejs.org"
}

# A version of Rust older than the workspace asks for makes cargo fetch the right one itself (rust-toolchain.toml).
# The toolchain's linker and the C parts (zstd, librdkafka, OpenSSL) need a C compiler; OpenSSL's build is Perl's and make's.
have_cc() {
  local how="install a C compiler, make and Perl (Debian: apt install build-essential, macOS: xcode-select --install)"
  have cc "$how" && have make "$how" && have perl "$how"
}
