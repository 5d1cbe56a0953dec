# Two commands matter: `make demo` shows an answer, `make test` is what must pass before a change lands.
# Needs only Python >= 3.11 with its venv module. Another interpreter: make demo PYTHON=/path/to/python3.12

PYTHON ?= python3
JOBS ?= 2
VENV := .venv
TEST_VENV ?= .venv-test
BIN := $(TEST_VENV)/bin

.PHONY: help demo test lint types rules page unit other-pythons proofs clean
.DELETE_ON_ERROR:

help:
	@echo "make demo     install the core into $(VENV) and scan the sample clips"
	@echo "make test     lint, types, import rules and every test"
	@echo "make proofs   the long measurements (minutes to hours; some need ../shared/data)"
	@echo "make clean    remove caches and test environments, keep $(VENV)"

demo: $(VENV)/bin/dfdetect
	$(VENV)/bin/dfdetect demo

# No prerequisites: an environment that is there is used as it is.
$(VENV)/bin/dfdetect:
	@sh scripts/check_python.sh $(PYTHON)
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e .

$(TEST_VENV)/.ready: pyproject.toml
	@sh scripts/check_python.sh $(PYTHON)
	$(PYTHON) -m venv $(TEST_VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

test: lint types rules page unit other-pythons
	@echo "all checks passed"

lint: $(TEST_VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(TEST_VENV)/.ready
	$(BIN)/mypy

rules: $(TEST_VENV)/.ready
	$(BIN)/lint-imports

# The page is built anew from web/ and must be, byte for byte, what is committed.
page:
	sh scripts/check_page.sh

unit: $(TEST_VENV)/.ready
	$(BIN)/python -m pytest -n $(JOBS) -m "not slow"

# The core on the other interpreters that are here; where one is not, only that pip can resolve for it.
other-pythons: $(TEST_VENV)/.ready
	sh scripts/core_tests.sh $(BIN)/python $(JOBS)

proofs: $(TEST_VENV)/.ready
	$(BIN)/python -m pytest -m slow || [ $$? -eq 5 ]  # 5: there are none
	@if [ -d ../shared/data ]; then \
	    $(BIN)/python benchmarks/face_detectors.py --data ../shared/data --every 4; \
	else echo "NOT MEASURED: ../shared/data is absent, so the tables on photographs were not made"; fi

clean:
	rm -rf $(TEST_VENV) .venv-core-* web/node_modules build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests scripts benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
