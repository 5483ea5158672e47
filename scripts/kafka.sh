#!/bin/sh
# Makes sure that there is a Kafka broker for the tests, from Maven Central, in the target directory; does nothing where
# there is one. Exits with 2 where it can neither find nor install what that takes.
set -u
cd "$(dirname "$0")/.." || exit 1

version=4.3.1
directory=${CARGO_TARGET_DIR:-$PWD/target}/kafka-$version
[ -e "$directory/complete" ] && command -v java >/dev/null 2>&1 && exit 0

what=Kafka
. scripts/maven.sh

echo "getting the Kafka broker $version" >&2
rm -rf "$directory"
mkdir -p "$directory"
mvn -q -B -Dstyle.color=never -f scripts/kafka/pom.xml -Dkafka.version="$version" dependency:copy-dependencies \
  -DincludeScope=runtime -DoutputDirectory="$directory/lib" >&2 || missing "the broker" "it from Maven Central, see above"
touch "$directory/complete"
