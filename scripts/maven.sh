# Sourced by scripts that get something from Maven Central for the tests: java and mvn are there afterwards.
#
#   what=Kafka; . scripts/maven.sh

missing() {
  echo "tests with $what need $1: install $2" >&2
  exit 2
}

command -v java >/dev/null 2>&1 || missing java "Java 17 or newer (Debian: apt install default-jre-headless)"
if ! command -v mvn >/dev/null 2>&1 && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing maven" >&2
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends maven; } >&2
fi
command -v mvn >/dev/null 2>&1 || missing mvn "Maven (Debian: apt install maven, macOS: brew install maven)"
