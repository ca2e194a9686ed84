# Every target sets up .venv first; that takes a moment once, and nothing afterwards.
# make PYTHON=/path/to/python chooses the interpreter.
PYTHON ?=
export PYTHON

BIN := .venv/bin

# Tests start hundreds of interpreters, which should not compile the package anew each time.
export PYTHONDONTWRITEBYTECODE :=

# Tests also wait for processes and servers: one worker more than cores keeps the cores busy. CI is
# in no hurry, and leases of a second that tests keep or lose last longer than a worker then waits.
WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + $(if $(CI),0,1))))

# Measuring takes half as long again, so it is left to CI and to `make test COVERAGE=--cov`.
COVERAGE ?= $(if $(CI),--cov)

.PHONY: help
help:
	@echo "make demo    run the main job from import to upload on pipeline.db"
	@echo "make test    run all tests with short counts; with COVERAGE=--cov also measure coverage"
	@echo "make soak    run all tests with whole counts"
	@echo "make lint    style, types, import borders"
	@echo "make bench   measure against peers and the bare drivers"
	@echo "make docs    regenerate the generated pages"
	@echo "make clean   remove caches, reports and built packages"

.PHONY: setup
setup:
	@scripts/setup

.PHONY: demo
demo: setup
	@$(BIN)/pipeline-store demo

.PHONY: test
test: setup
	@$(BIN)/python -m pytest $(COVERAGE) --numprocesses=$(WORKERS) --dist=worksteal $(ARGS)

.PHONY: soak
soak: setup
	PIPELINE_STORE_SOAK=1 $(BIN)/python -m pytest --timeout=7200 $(ARGS)

.PHONY: lint
lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/basedpyright
	$(BIN)/lint-imports

.PHONY: bench
bench: setup
	@$(BIN)/python -m tests.benchmarks.run $(ARGS)

.PHONY: docs
docs: setup
	@$(BIN)/python docs/generate.py

# Needs uv, which resolves for all platforms and Python versions at once. UPGRADE=--upgrade takes newer versions.
.PHONY: requirements
requirements:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		--no-emit-index-url --no-emit-find-links $(UPGRADE) \
		--extra all --output-file requirements/dev.txt pyproject.toml requirements/dev.in

.PHONY: clean
clean:
	rm -rf build dist htmlcov .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find src tests $(wildcard docs) -name __pycache__ -type d -prune -exec rm -rf {} +
