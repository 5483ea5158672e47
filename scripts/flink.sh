#!/bin/sh
# Makes sure that there are Flink's command line, the files of its web UI, its SQL client and its JDBC driver for the tests,
# from Maven Central, in the target directory; does nothing where they are. Exits with 2 where it can neither find nor
# install what that takes.
set -u
cd "$(dirname "$0")/.." || exit 1

version=2.2.1
# The newest of which Maven Central has all that the SQL client takes.
sql_version=2.3.0
target=${CARGO_TARGET_DIR:-$PWD/target}
directory=$target/flink-cli-$version
sql_directory=$target/flink-sql-$sql_version
[ -e "$directory/complete" ] && [ -e "$sql_directory/complete" ] && command -v java >/dev/null 2>&1 && exit 0

what="Flink's clients"
. scripts/maven.sh

# Maven notes there what it has unpacked, wherever that was.
notes=scripts/flink/target
get() { # pom version goal options…
  pom=$1 flink=$2 goal=$3
  shift 3
  mvn -q -B -Dstyle.color=never -f "scripts/flink/$pom" -Dflink.version="$flink" "dependency:$goal" "$@" >&2
}

if [ ! -e "$directory/complete" ]; then
  echo "getting Flink's command line and web UI $version" >&2
  rm -rf "$directory" "$notes"
  mkdir -p "$directory"
  get pom.xml "$version" copy-dependencies -DincludeScope=runtime -DoutputDirectory="$directory/lib" ||
    missing "its jars" "them from Maven Central, see above"
  get pom.xml "$version" unpack-dependencies -DincludeArtifactIds=flink-runtime-web -Dmdep.unpack.includes='web/**' \
    -DoutputDirectory="$directory" || missing "the web UI" "it from Maven Central, see above"
  rm -rf "$notes"
  touch "$directory/complete"
fi

if [ ! -e "$sql_directory/complete" ]; then
  echo "getting Flink's SQL client and JDBC driver $sql_version" >&2
  rm -rf "$sql_directory"
  mkdir -p "$sql_directory"
  get sql.pom.xml "$sql_version" copy-dependencies -DincludeScope=runtime \
    -DexcludeArtifactIds=flink-sql-jdbc-driver-bundle -DoutputDirectory="$sql_directory/client" ||
    missing "the SQL client" "it from Maven Central, see above"
  get sql.pom.xml "$sql_version" copy-dependencies -DincludeScope=runtime \
    -DincludeArtifactIds=flink-sql-jdbc-driver-bundle,slf4j-api -DoutputDirectory="$sql_directory/jdbc" ||
    missing "the JDBC driver" "it from Maven Central, see above"
  touch "$sql_directory/complete"
fi
