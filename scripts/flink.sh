#!/bin/sh
# Makes sure that there are Flink's command line and the files of its web UI for the tests, from Maven Central, in the
# target directory; does nothing where they are. Exits with 2 where it can neither find nor install what that takes.
set -u
cd "$(dirname "$0")/.." || exit 1

version=2.2.1
directory=${CARGO_TARGET_DIR:-$PWD/target}/flink-cli-$version
[ -e "$directory/complete" ] && command -v java >/dev/null 2>&1 && exit 0

missing() {
  echo "tests with Flink's clients need $1: install $2" >&2
  exit 2
}

command -v java >/dev/null 2>&1 || missing java "Java 17 or newer (Debian: apt install default-jre-headless)"
if ! command -v mvn >/dev/null 2>&1 && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing maven" >&2
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends maven; } >&2
fi
command -v mvn >/dev/null 2>&1 || missing mvn "Maven (Debian: apt install maven, macOS: brew install maven)"

echo "getting Flink's command line and web UI $version" >&2
rm -rf "$directory"
mkdir -p "$directory"
mvn -q -B -f scripts/flink/pom.xml -Dflink.version="$version" dependency:copy-dependencies \
  -DincludeScope=runtime -DoutputDirectory="$directory/lib" >&2 || missing "its jars" "them from Maven Central, see above"
mvn -q -B -f scripts/flink/pom.xml -Dflink.version="$version" dependency:unpack-dependencies \
  -DincludeArtifactIds=flink-runtime-web -Dmdep.unpack.includes='web/**' -DoutputDirectory="$directory" >&2 ||
  missing "the web UI" "it from Maven Central, see above"
touch "$directory/complete"
