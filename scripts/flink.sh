#!/bin/sh
# Makes sure that there are Flink's command line and the files of its web UI for the tests, from Maven Central, in the
# target directory; does nothing where they are. Exits with 2 where it can neither find nor install what that takes.
set -u
cd "$(dirname "$0")/.." || exit 1

version=2.2.1
directory=${CARGO_TARGET_DIR:-$PWD/target}/flink-cli-$version
[ -e "$directory/complete" ] && command -v java >/dev/null 2>&1 && exit 0

what="Flink's clients"
. scripts/maven.sh

echo "getting Flink's command line and web UI $version" >&2
# Maven notes there what it has unpacked, wherever that was.
notes=scripts/flink/target
rm -rf "$directory" "$notes"
mkdir -p "$directory"
mvn -q -B -Dstyle.color=never -f scripts/flink/pom.xml -Dflink.version="$version" dependency:copy-dependencies \
  -DincludeScope=runtime -DoutputDirectory="$directory/lib" >&2 || missing "its jars" "them from Maven Central, see above"
mvn -q -B -Dstyle.color=never -f scripts/flink/pom.xml -Dflink.version="$version" dependency:unpack-dependencies \
  -DincludeArtifactIds=flink-runtime-web -Dmdep.unpack.includes='web/**' -DoutputDirectory="$directory" >&2 ||
  missing "the web UI" "it from Maven Central, see above"
rm -rf "$notes"
touch "$directory/complete"
