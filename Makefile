# The commands: `make demo`, `make app`, `make test`. Each builds the environment first where it is missing.
# `make test WORKERS=1` runs the tests in one process.
PYTHON ?= python3.11
WORKERS ?= 2
BIN := .venv/bin
READY := .venv/.ready

# One thread a process: several processes of several threads each get in each other's way.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations=30

.PHONY: demo app test test-all check environment

environment: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e ".[viz,dev]"
	touch $(READY)

demo: $(READY)
	$(BIN)/kedro run

# The web page: http://127.0.0.1:8700
app: $(READY)
	$(BIN)/cell-pipelines app

test: $(READY)
	$(PYTEST) -m "not exhaustive"

# Also what is one of many alike, of which `make test` runs one or a few.
test-all: $(READY)
	$(PYTEST)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
