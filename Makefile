# The two commands: `make demo`, `make test`. Each builds the environment first where it is missing.
# `make test WORKERS=2` runs the tests in two processes of one thread each.
PYTHON ?= python3.11
BIN := .venv/bin
READY := .venv/.ready

PYTEST := $(BIN)/python -m pytest
ifdef WORKERS
PYTEST := OMP_NUM_THREADS=1 $(PYTEST) -n $(WORKERS) --dist loadfile --no-loadscope-reorder
endif

.PHONY: demo test test-all check environment

environment: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e ".[viz,dev]"
	touch $(READY)

demo: $(READY)
	$(BIN)/kedro run
	@echo "The report: $(CURDIR)/data/demo/08_reporting/report.html"

test: $(READY)
	$(PYTEST) -m "not exhaustive"

# Also every architecture and version of YOLO on every engine.
test-all: $(READY)
	$(PYTEST)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
