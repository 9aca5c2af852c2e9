# Everything that a person types. TORCH_INDEX names another package index for torch alone, for example its CPU build:
#   make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu
PYTHON ?= python3
TORCH_INDEX ?=
BIN := .venv/bin
RUN := OMP_NUM_THREADS=1 $(BIN)/python -m

.PHONY: setup demo test test-slow check format

setup: .venv/installed

# torch first: asked for later, by another package, its newest build with every CUDA library would come.
.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "adaptline needs Python 3.11 or newer; name one with make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[train,serve,demo,presidio,dev]'
	touch $@

demo: setup
	@$(BIN)/python recipes/demo/make_corpus.py
	@$(BIN)/adaptline run recipes/demo.toml

test: setup
	$(RUN) pytest -m "not slow" --cov --cov-report=term-missing:skip-covered --cov-fail-under=100

test-slow: setup
	$(RUN) pytest -m slow

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(RUN) mypy

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
