# The two commands: `make demo`, `make test`. Each builds the environment first where it is missing.
PYTHON ?= python3.11
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo test check environment

environment: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e ".[viz,dev]"
	touch $(READY)

demo: $(READY)
	$(BIN)/kedro run
	@echo "The report: $(CURDIR)/data/demo/08_reporting/report.html"

test: $(READY)
	$(BIN)/python -m pytest

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
