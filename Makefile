# The few commands of this house. `make` alone says what they are.
#
#   ONCE=1        make run: end after the demo; exit code 0 only if all of it worked
#   FEED=none     make run: no test feed; point an encoder at the printed SRT address
#   SPEED=10      make run: how many times faster than AWS the simulator's media time passes
#   PYTHON=...    the Python (3.10 or newer) that makes the folders of tools
# Ports and their variables: see `local/ports.py`, or the sentence that a taken port prints.

PYTHON ?= python3
TOOLS := .local/venv-tools/bin/python
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help run report test lint build prove defects fuzz bench clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## make run     the whole of Lunora on this machine, with a demo; Ctrl-C ends it (ONCE=1: by itself)
run:
	@$(PYTHON) -m local.setup run && $(TOOLS) -m local.demo

## make report  what exists in the Region, what is billed and why, what this month's sessions cost (STACK=name)
report:
	@$(TOOLS) -m local.report

## make test    everything that CI checks: format, lints, unit, contract and end-to-end tests
test:
	@$(PYTHON) -m local.setup test && $(TOOLS) -m local.test all

## make lint    only format, clippy, the state machine and the template
lint:
	@$(PYTHON) -m local.setup test && $(TOOLS) -m local.test lint

## make build   the programs as they are deployed (fat LTO: up to half an hour on two cores)
build:
	@cargo build --release --workspace

## make prove   every fault at every step, then random schedules; SEED=4711 tells one, RANDOM=100000 for so many, ONLY="name" for one by name
prove:
	@cargo build --workspace --profile local
	@$${CARGO_TARGET_DIR:-target}/local/prove $(if $(SEED),seed $(SEED),$(if $(ONLY),single "$(ONLY)",$(if $(RANDOM),random $(RANDOM))))

## make defects plants every known defect in a copy and asks whether the proof finds it; writes the table in docs/reliability.md
defects:
	@$(PYTHON) -m local.setup test && $(TOOLS) -m local.defects

## make fuzz    broken input for everything that reads what others write; SECONDS=60 for each target, SEED=4711
fuzz:
	@FUZZ_SECONDS=$(or $(SECONDS),60) FUZZ_SEED=$(or $(SEED),$$(date +%s)) cargo test --workspace --profile local --lib --test payloads --test edits -- --nocapture --test-threads 1 fuzzed

## make bench   what a worker costs, beside the same step in Node, Python and Go; writes docs/benchmarks.md
bench:
	@$(PYTHON) -m local.setup test && $(TOOLS) -m local.bench

## make clean   forgets builds, tools and the local state
clean:
	@cargo clean
	@rm -rf .local .aws-sam tests/node_modules
