SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup run demo dev fmt lint test test-long doc deny contract surface dist bench bench-check bench-hostile \
        bench-llm bench-scale ci check-clean

# Where cargo puts what it builds.
TARGET := $(or $(CARGO_TARGET_DIR),target)

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install the system packages that the tests need (asks first when there is a terminal)
	scripts/setup.sh

run: ## Build and start the server on 127.0.0.1:8001; it prints what to type next
	cargo build --workspace --bins
	$(TARGET)/debug/intent-api --welcome

demo: ## Show the pre-PR check on a throwaway server and git repository, before and after registering
	cargo build --workspace --bins
	cargo build -p policy-client --example register
	scripts/demo.sh

dev: ## Watch the sources and test each crate that changed (installs inotify-tools when it is missing)
	scripts/dev.sh

fmt: ## Format the code
	cargo fmt --all

lint: ## Check the format, then clippy with every warning an error
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features --locked -- -D warnings

test: ## Build the binaries and run every test (runs `make setup` first)
	scripts/test.sh

test-long: ## The same with the whole counts: kill -9 x 25 and the like
	scripts/test.sh --long

doc: ## Build the API documentation with every warning an error
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features --locked

deny: ## Check licences, advisories, sources and who may use which crate (installs cargo-deny when it is missing)
	scripts/deny.sh

contract: ## Run schemathesis on /openapi.json against a throwaway server
	cargo build --workspace --bins
	scripts/contract.sh

surface: ## Compare what users see of two builds: make surface OLD=FOLDER NEW=FOLDER (OpenAPI, --help, errors, metrics)
	scripts/surface.sh compare $(OLD) $(NEW)

dist: ## Build the programs as they are shipped, into target/dist/
	cargo build --profile dist -p intent-api -p admin-keys -p t4

bench: ## Measure the API and write the table to docs/benchmarks/ (T4_BENCH_OLD=BINARY: in turns with another build)
	cargo build --profile dist -p intent-api
	cargo build --profile dist -p t4-bench --example yardstick
	cargo bench --profile dist -p t4-bench --bench api

bench-scale: ## The same with 1,000,000 intents and 5,000,000 audit rows (minutes, and gigabytes of disk)
	cargo build --profile dist -p intent-api
	cargo build --profile dist -p t4-bench --example yardstick
	T4_BENCH_SCALE=1 cargo bench --profile dist -p t4-bench --bench api

bench-llm: ## Measure calls through the LLM gate against direct ones and write docs/benchmarks/llm-latest.md
	cargo build --profile dist -p intent-api
	cargo build --profile dist -p t4-tests --bin mock-provider
	cargo bench --profile dist -p t4-bench --bench llm

bench-hostile: ## Measure what others get while hostile keys send their worst; writes docs/benchmarks/hostile-latest.md
	cargo build --profile dist -p intent-api
	cargo bench --profile dist -p t4-bench --bench hostile

bench-check: ## Measure t4 check beside ruff, and the migration, and write docs/benchmarks/check-latest.md
	scripts/ensure-ruff.sh
	cargo build --profile dist -p t4
	cargo bench --profile dist -p t4-bench --bench check

ci: ## What CI runs
	.ci/run

check-clean: ## Fail when something is not committed, or a generated file is not the one in the tree
	@test -z "$$(git status --porcelain)" || { git status --short; exit 1; }

# T4 on this repository itself, as built here.
T4 = $(TARGET)/debug/t4
T4_API = $(TARGET)/debug/intent-api
T4_NEEDS = t4-build
include mk/t4.mk

.PHONY: t4-build
t4-build:
	cargo build -p t4 -p intent-api
