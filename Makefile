# All tasks are targets of this file; CI calls the same targets.

.PHONY: help run test check bench site soak flink-scenarios flink-parity flink-record flink-fuzz flink-submit flink-parity-cluster flink-take-over flink-race race fmt ui clean

help: ## lists the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /make \1\t/' | expand -t 22

run: ## builds Weir (some minutes the first time), starts it with generated events, and prints its addresses; Ctrl-C stops it
	@scripts/run.sh

test: ## all checks and tests that a change must pass
	@scripts/test.sh

check: ## the quick checks: format, lints and licences
	@scripts/check.sh

bench: ## benchmarks; figures are for docs/performance.md, no test asserts one
	@cargo bench --workspace

soak: ## an hour between a real Kafka and a real Redis (SOAK_SECONDS, SOAK_RATE): memory and file handles stay flat
	@scripts/redis.sh && scripts/kafka.sh
	@cargo bench -p weir --bench soak -- $${SOAK_SECONDS:-3600} $${SOAK_RATE:-1000}

flink-scenarios: ## runs the scenarios of Flink's REST API, which Weir passes in its tests, against a real Flink from Maven Central
	@scripts/flink-cluster.sh cargo test -p weir --test flink_scenarios

# Programs that need a real Flink. Its processes use free ports of 127.0.0.1, and stop with the program.
side_by_side = FLINK_SLOTS=2 scripts/flink-cluster.sh cargo test -q -p weir --test side_by_side --

flink-parity: ## runs streaming SQL on a real Flink and on Weir, and reports differences (CASES=part-of-a-name or directories)
	@$(side_by_side) parity $(CASES)

flink-record: ## records the rows of a real Flink for the cases in crates/weir/tests/flink_cases (CASES=…)
	@$(side_by_side) record $(CASES)

flink-fuzz: ## generates tables, rows and queries, runs them on a real Flink and on Weir, and keeps those that differ (SEED, COUNT)
	@$(side_by_side) fuzz $${SEED:-1} $${COUNT:-100}

flink-submit: ## submits the analytics and examples to a real Flink cluster, and compares its results topics with Weir's rows
	@scripts/kafka.sh
	@FLINK_SLOTS=4 scripts/flink-cluster.sh cargo test -q -p weir --test side_by_side -- submit

flink-parity-cluster: ## the fifteen analytics over a Flink cluster of two task managers and in Weir: weir compare finds the same rows (EVENTS, SEED)
	@scripts/redis.sh && scripts/kafka.sh
	@FLINK_SLOTS=2 FLINK_TASK_MANAGERS=2 scripts/flink-cluster.sh cargo test -q -p weir --test side_by_side -- parity-cluster $${EVENTS:-100000} $${SEED:-1}

flink-take-over: ## moves a job to a real Flink cluster and back under load, with kill -9 of Weir and of a task manager in between
	@scripts/kafka.sh
	@FLINK_SLOTS=4 FLINK_SUPERVISED=1 scripts/flink-cluster.sh cargo test -q -p weir --test side_by_side -- take-over long

flink-race: ## Nexmark's queries on a real Flink and on Weir, in turns: events per CPU second and memory (RACE_EVENTS, RACE_QUERIES)
	@scripts/kafka.sh
	@FLINK_SLOTS=2 FLINK_TASK_HEAP=1024 scripts/flink-cluster.sh cargo bench -p weir --bench flink_race -- $${RACE_EVENTS:-1000000} $(RACE_QUERIES)

race: ## one SQL script on a real Flink and on Weir, in turns: speed, memory, latency, start, recovery (RACE_EVENTS, RACE_RUNS)
	@scripts/race.sh

fmt: ## formats Rust and TypeScript
	@scripts/fmt.sh

ui: ## builds the dashboard into ui/dist
	@scripts/ui.sh build

site: ## builds the documentation site into site/dist and checks its links (scripts/site.sh preview serves it)
	@scripts/site.sh

clean: ## removes the build output, not the data
	@rm -rf target ui/dist ui/node_modules site/dist site/output site/node_modules
