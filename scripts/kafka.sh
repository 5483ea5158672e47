#!/bin/sh
# Makes sure that there is a Kafka broker for the tests, from Maven Central, in the target directory; does nothing where
# there is one. Exits with 2 where it can neither find nor install what that takes.
set -u
cd "$(dirname "$0")/.." || exit 1

version=4.3.1
directory=${CARGO_TARGET_DIR:-$PWD/target}/kafka-$version
[ -e "$directory/complete" ] && command -v java >/dev/null 2>&1 && exit 0

missing() {
  echo "tests with Kafka need $1: install $2" >&2
  exit 2
}

command -v java >/dev/null 2>&1 || missing java "Java 17 or newer (Debian: apt install default-jre-headless)"
if ! command -v mvn >/dev/null 2>&1 && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing maven" >&2
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends maven; } >&2
fi
command -v mvn >/dev/null 2>&1 || missing mvn "Maven (Debian: apt install maven, macOS: brew install maven)"

echo "getting the Kafka broker $version" >&2
rm -rf "$directory"
mkdir -p "$directory"
mvn -q -B -f scripts/kafka/pom.xml -Dkafka.version="$version" dependency:copy-dependencies \
  -DincludeScope=runtime -DoutputDirectory="$directory/lib" >&2 || missing "the broker" "it from Maven Central, see above"
touch "$directory/complete"
