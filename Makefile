# One door: everything is done through a target here; CI calls the same.

.PHONY: help run test check bench soak flink-scenarios flink-parity flink-record flink-fuzz flink-race fmt ui clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /make \1\t/' | expand -t 22

run: ## builds all of it (some minutes the first time), starts it with made-up events, and says where to look; Ctrl-C ends it
	@scripts/run.sh

test: ## everything that must hold before a change goes in
	@scripts/test.sh

check: ## the quick part: format, lints and licences
	@scripts/check.sh

bench: ## benchmarks; figures are for docs/performance.md, no test asserts one
	@cargo bench --workspace

soak: ## an hour between a real Kafka and a real Redis (SOAK_SECONDS, SOAK_RATE): memory and file handles stay flat
	@scripts/redis.sh && scripts/kafka.sh
	@cargo bench -p weir --bench soak -- $${SOAK_SECONDS:-3600} $${SOAK_RATE:-1000}

flink-scenarios: ## tells the scenarios of Flink's REST API, which Weir passes in its tests, to a real Flink from Maven Central
	@scripts/flink-cluster.sh cargo test -p weir --test flink_scenarios

# Programs that take a real Flink beside them. Its parts are on free ports of 127.0.0.1, and end with the program.
side_by_side = FLINK_SLOTS=2 scripts/flink-cluster.sh cargo test -q -p weir --test side_by_side --

flink-parity: ## runs streaming SQL on a real Flink and on Weir, and tells where they differ (CASES=part-of-a-name or directories)
	@$(side_by_side) parity $(CASES)

flink-record: ## writes down what a real Flink gives for the cases in crates/weir/tests/flink_cases (CASES=…)
	@$(side_by_side) record $(CASES)

flink-fuzz: ## makes up tables, rows and queries, runs them on a real Flink and on Weir, and keeps those that differ (SEED, COUNT)
	@$(side_by_side) fuzz $${SEED:-1} $${COUNT:-100}

flink-race: ## Nexmark's queries on a real Flink and on Weir, in turns: events a CPU second and memory (RACE_EVENTS, RACE_QUERIES)
	@scripts/kafka.sh
	@FLINK_SLOTS=2 FLINK_TASK_HEAP=1024 scripts/flink-cluster.sh cargo bench -p weir --bench flink_race -- $${RACE_EVENTS:-1000000} $(RACE_QUERIES)

fmt: ## formats Rust and TypeScript
	@scripts/fmt.sh

ui: ## builds the dashboard into ui/dist
	@scripts/ui.sh build

clean: ## removes what was built, not the data
	@rm -rf target ui/dist ui/node_modules
