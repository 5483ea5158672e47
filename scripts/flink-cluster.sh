#!/usr/bin/env bash
# Runs a command beside a real Flink of its own, and ends that Flink with it.
#
#   flink-cluster.sh COMMAND…
#   flink-cluster.sh --get     only gets that Flink
#
# The Flink comes from Maven Central into the target directory: a job manager, a task manager and a SQL gateway, on free
# ports of this machine, with about 1.5 GB of memory. The command finds them at FLINK_SCENARIOS_URL and
# FLINK_SCENARIOS_GATEWAY, and the processes' ids in FLINK_SCENARIOS_PIDS (job manager, task managers, gateway). The file
# FLINK_SCENARIOS_TASK_MANAGER has the present id of the first task manager. Exits with 2 where it can neither find nor
# install what that takes.
#
# FLINK_SLOTS and FLINK_TASK_HEAP set the task manager's slots (8) and the memory of its tasks in MB (256).
# FLINK_TASK_MANAGERS starts more than one task manager, each with these. FLINK_CONFIG has further lines of Flink's
# config.yaml. With FLINK_SUPERVISED=1, a task manager starts again whenever it ends.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || { sed -n 2,14p "$0" >&2; exit 1; }

# The newest of which all parts are in Maven Central.
version=2.3.0
slots=${FLINK_SLOTS:-8}
task_heap=${FLINK_TASK_HEAP:-256}
task_managers=${FLINK_TASK_MANAGERS:-1}
flink=${CARGO_TARGET_DIR:-$PWD/target}/flink-$version
if ! cmp -s scripts/flink/cluster.xml "$flink/complete" || ! command -v java >/dev/null 2>&1; then
  what="a whole Flink"
  . scripts/maven.sh
  echo "getting Flink $version" >&2
  rm -rf "$flink"
  mkdir -p "$flink"
  mvn -q -B -Dstyle.color=never -f scripts/flink/cluster.xml -Dflink.version="$version" dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$flink/lib" >&2 || missing "its jars" "them from Maven Central, see above"
  cp scripts/flink/cluster.xml "$flink/complete"
fi
[ "$1" != --get ] || exit 0

run=$(mktemp -d)
pids=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$run"
}
trap finish EXIT
trap 'exit 130' INT TERM

is_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_port() {
  local port
  for _ in $(seq 100); do
    port=$((20000 + RANDOM % 12000))
    is_open "$port" || { echo "$port"; return; }
  done
  return 1
}
rest=$(free_port) rpc=$(free_port) gateway=$(free_port)

mkdir "$run/conf" "$run/tmp"
# Flink's own scripts work the task manager's memory out from its total; without them it is written out.
cat >"$run/conf/config.yaml" <<Y
jobmanager.rpc.address: 127.0.0.1
jobmanager.rpc.port: $rpc
jobmanager.bind-host: 127.0.0.1
taskmanager.bind-host: 127.0.0.1
taskmanager.host: 127.0.0.1
taskmanager.numberOfTaskSlots: $slots
taskmanager.cpu.cores: $slots
taskmanager.memory.framework.heap.size: 128m
taskmanager.memory.framework.off-heap.size: 128m
taskmanager.memory.task.heap.size: ${task_heap}m
taskmanager.memory.task.off-heap.size: 0b
taskmanager.memory.managed.size: 256m
taskmanager.memory.network.min: 64m
taskmanager.memory.network.max: 64m
taskmanager.memory.jvm-metaspace.size: 256m
taskmanager.memory.jvm-overhead.min: 192m
taskmanager.memory.jvm-overhead.max: 192m
rest.address: 127.0.0.1
rest.bind-address: 127.0.0.1
rest.port: $rest
rest.flamegraph.enabled: true
metrics.fetcher.update-interval: 1000
sql-gateway.endpoint.rest.address: 127.0.0.1
sql-gateway.endpoint.rest.bind-address: 127.0.0.1
sql-gateway.endpoint.rest.port: $gateway
io.tmp.dirs: $run/tmp
execution.checkpointing.dir: file://$run/checkpoints
execution.checkpointing.savepoint-dir: file://$run/savepoints
heartbeat.interval: 1000
${FLINK_CONFIG:-}
Y
cat >"$run/conf/log4j.properties" <<'P'
rootLogger.level = INFO
rootLogger.appenderRef.file.ref = File
appender.file.name = File
appender.file.type = FILE
appender.file.fileName = ${sys:log.file}
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d %-5p %c{1} - %m%n
P

opens=(--add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED --add-exports=java.security.jgss/sun.security.krb5=ALL-UNNAMED)
for package in java.lang java.net java.io java.nio sun.nio.ch java.lang.reflect java.text java.time java.util \
  java.util.concurrent java.util.concurrent.atomic java.util.concurrent.locks; do
  opens+=("--add-opens=java.base/$package=ALL-UNNAMED")
done

# launch NAME HEAP CLASS ARGUMENTS…: becomes that process.
launch() {
  local name=$1 heap=$2
  shift 2
  export FLINK_CONF_DIR=$run/conf FLINK_LIB_DIR=$flink/lib
  exec java -XX:+UseSerialGC -Xms64m "-Xmx$heap" -XX:MaxMetaspaceSize=256m "${opens[@]}" \
    -Dlog4j.configurationFile="$run/conf/log4j.properties" -Dlog.file="$run/$name.log" -cp "$flink/lib/*" "$@" \
    >>"$run/$name.out" 2>&1 </dev/null
}

# start NAME HEAP CLASS ARGUMENTS…: the newest process id is in a file under that name.
start() {
  launch "$@" &
  pids+=($!)
  echo $! >"$run/$1.pid"
}

# supervise NAME HEAP CLASS ARGUMENTS…: as start, and starts the process again at once whenever it ends.
supervise() {
  local child=
  {
    trap 'kill "$child" 2>/dev/null; wait "$child" 2>/dev/null; exit 0' TERM
    while true; do
      launch "$@" &
      child=$!
      echo "$child" >"$run/$1.pid"
      wait "$child" 2>/dev/null || true
    done
  } &
  pids+=($!)
}

start jobmanager 512m org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint --configDir "$run/conf"
begin=start
[ "${FLINK_SUPERVISED:-}" != 1 ] || begin=supervise
for number in $(seq "$task_managers"); do
  name=taskmanager
  [ "$number" = 1 ] || name=taskmanager-$number
  $begin "$name" $((task_heap + 128))m org.apache.flink.runtime.taskexecutor.TaskManagerRunner --configDir "$run/conf"
done
start gateway 384m org.apache.flink.table.gateway.SqlGateway

# has_slots: the job manager answers, and the task managers have reported to it.
has_slots() {
  local answer
  { exec 3<>"/dev/tcp/127.0.0.1/$rest"; } 2>/dev/null || return 1
  printf 'GET /overview HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' >&3
  answer=$(cat <&3)
  exec 3>&-
  [[ $answer == *"\"slots-total\":$((slots * task_managers))"* ]]
}
echo "starting Flink $version" >&2
until has_slots && is_open "$gateway"; do
  for pid in "${pids[@]}"; do
    kill -0 "$pid" 2>/dev/null || { tail -n 40 "$run"/*.out "$run"/*.log >&2; echo "Flink did not start" >&2; exit 1; }
  done
  [ $SECONDS -lt 300 ] || { tail -n 40 "$run"/*.log >&2; echo "Flink did not start in time" >&2; exit 1; }
  sleep 0.05
done

processes="$(cat "$run/jobmanager.pid" "$run"/taskmanager*.pid "$run/gateway.pid" | tr '\n' ' ')"
export FLINK_SCENARIOS_URL=http://127.0.0.1:$rest FLINK_SCENARIOS_GATEWAY=http://127.0.0.1:$gateway FLINK_SCENARIOS_PIDS=$processes
export FLINK_SCENARIOS_TASK_MANAGER=$run/taskmanager.pid
"$@"
