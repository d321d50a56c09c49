# What a person runs; `make` alone lists it. Nothing is needed but Python >= 3.11, git and make.
.DEFAULT_GOAL := help
SHELL := /bin/sh

UV := $(CURDIR)/.tools/uv/bin/uv
ENVIRONMENT := .venv/ready

# The local stack starts its emulator through uv, and has to find this one.
export PATH := $(dir $(UV)):$(PATH)
export UV
# A process of tests for each processor and one more, since many tests wait; a module's tests share its stack, so they
# stay together. Their many state folders share one store of compiled files. Threads of polars beside so many processes wait
# for each other; functions that tests start have as many as a user's.
SIDE_BY_SIDE = -n $(shell python3 -c 'import os; print(min((os.cpu_count() or 1) + 1, 6))') --dist loadscope --no-loadscope-reorder
# Every function process imports polars; without bytecode on disk each start compiles it anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup run test test-debian-postgres test-large bench check openapi schema format

help: ## List what there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{ printf "  %-16s %s\n", $$1, $$2 }'

setup: $(ENVIRONMENT) ## Create the locked environment

run: $(ENVIRONMENT) ## Run the sample workflow through the local stack and show what it did
	@.venv/bin/flowforge run --sample

test: $(ENVIRONMENT) ## Run every test that needs no container engine
	PYTHONPYCACHEPREFIX="$(CURDIR)/.venv/pycache" POLARS_MAX_THREADS=1 .venv/bin/pytest -m "not containers and not large" $(SIDE_BY_SIDE)

test-debian-postgres: $(ENVIRONMENT) ## Run the tests of the metadata on Debian's PostgreSQL
	scripts/on-debian-postgres .venv/bin/pytest -q tests/unit/metadata

test-large: $(ENVIRONMENT) ## Run the tests that need gigabytes of disk and minutes of time
	.venv/bin/pytest -m "large and not containers"

# By name and on less data: make bench CASES="bronze gold" BENCH_SCALE=0.05
bench: $(ENVIRONMENT) ## Measure speed and memory beside DuckDB, and write docs/benchmarks.md
	.venv/bin/python -m bench $(CASES) --scale $(or $(BENCH_SCALE),1)

check: $(ENVIRONMENT) ## Check format, lint, types and templates
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy --strict --package flowforge
	.venv/bin/mypy --strict tests functions bench
	@$(MAKE) --no-print-directory check-templates

openapi: $(ENVIRONMENT) ## Write what the API offers to docs/reference/openapi.json
	.venv/bin/python -m flowforge.web.openapi docs/reference/openapi.json

schema: $(ENVIRONMENT) ## Write what a workflow's file may hold to docs/reference/workflow.schema.json
	.venv/bin/flowforge workflow schema > docs/reference/workflow.schema.json

format: $(ENVIRONMENT) ## Format the code and mend what the linter can
	.venv/bin/ruff format
	.venv/bin/ruff check --fix

# The script holds the version: a newer script looks again, and leaves alone what is still good.
$(UV): scripts/install-uv
	@scripts/install-uv

$(ENVIRONMENT): uv.lock pyproject.toml layers/flowforge/pyproject.toml | $(UV)
	$(UV) sync --quiet --frozen
	@touch $@

include containers.mk

$(SAM_ENVIRONMENT)/ready $(CHECKOV_ENVIRONMENT)/ready $(PREPARED)/image/requirements.txt $(PREPARED)/web/requirements.txt $(PREPARED)/layer/requirements.txt $(PREPARED)/wheel.ready: | $(UV)
