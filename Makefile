# One door: everything is done through a target here; CI calls the same.

.PHONY: help run test check bench fmt ui clean

help: ## what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /make \1\t/' | expand -t 14

run: ## builds all of it, starts it with a generator of events, and says where to look; Ctrl-C ends both
	@scripts/run.sh

test: ## everything that must hold before a change goes in
	@scripts/test.sh

check: ## the quick part: format, lints and licences
	@scripts/check.sh

bench: ## benchmarks; figures are for docs/performance.md, no test asserts one
	@cargo bench --workspace

fmt: ## formats Rust and TypeScript
	@scripts/fmt.sh

ui: ## builds the dashboard into ui/dist
	@scripts/ui.sh build

clean: ## removes what was built, not the data
	@rm -rf target ui/dist ui/node_modules
