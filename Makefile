# The verbs of the workshop. `make demo` and `make test` set up everything they need, in .venv.

PYTHON ?= python3
VENV ?= .venv
CORE_VENV ?= .venv-core
BIN := $(VENV)/bin
PIP_FLAGS := --disable-pip-version-check --quiet --constraint constraints.txt
SOURCES := src tests examples docs
MNIST ?= $(wildcard ../shared/data/images/mnist.npz)
CORE_TESTS := $(wildcard tests/core tests/store tests/cli tests/estimators tests/stories) tests/test_architecture.py

.PHONY: help install demo demo-images test core-test fix check types docs bench proofs clean

help:  ## list the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# Old pips know no dependency groups, so each environment gets a newer one first.
define new_environment
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Tamis needs Python 3.11 or newer; $(PYTHON) is older. Name another one: make PYTHON=python3.12 $@"; exit 1; }
	@test -x $(1)/bin/python || $(PYTHON) -m venv $(1)
	@$(1)/bin/python -m pip install --disable-pip-version-check --quiet --upgrade 'pip>=25.1'
endef

$(VENV)/.ready: pyproject.toml constraints.txt
	@echo "setting up $(VENV) ..."
	$(call new_environment,$(VENV))
	@$(BIN)/python -m pip install $(PIP_FLAGS) --editable '.[all]'
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready
	@echo "adding the test and lint tools to $(VENV) ..."
	@$(BIN)/python -m pip install $(PIP_FLAGS) --group dev
	@touch $@

$(CORE_VENV)/.ready: pyproject.toml constraints.txt
	@echo "setting up $(CORE_VENV), without any extra ..."
	$(call new_environment,$(CORE_VENV))
	@$(CORE_VENV)/bin/python -m pip install $(PIP_FLAGS) --editable . --group core-test
	@touch $@

install: $(VENV)/.ready-dev  ## set up .venv with every extra and the workshop's tools

demo: $(VENV)/.ready  ## run the main job on real data: a table in, a model out
	$(BIN)/tamis demo

demo-images: $(VENV)/.ready  ## search a network for handwritten digits for two minutes (MNIST=FILE.npz for those of MNIST)
	$(BIN)/tamis demo --images $(if $(MNIST),--data $(MNIST))

# What runs against the clock would fail beside others: the tests of the first call share the cores, each in one thread,
# and those of the second have them alone. (Code 5: ARGS names tests of one kind only.)
define run_tests
	OMP_NUM_THREADS=1 $(1)/python -m pytest -m "$(2) and not alone" --numprocesses auto --maxprocesses 8 --dist loadfile \
	  $(ARGS) $(3) || [ $$? -eq 5 ]
	$(1)/python -m pytest -m "$(2) and alone" $(ARGS) $(3) || [ $$? -eq 5 ]
endef

test: $(VENV)/.ready-dev check  ## check the style, then run the tests
	$(call run_tests,$(BIN),not slow)

core-test: $(CORE_VENV)/.ready  ## run the tests that need no extra, with the core install alone
	$(call run_tests,$(CORE_VENV)/bin,not slow and not extras,$(CORE_TESTS))

fix: $(VENV)/.ready-dev  ## mend and format what ruff can
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

check: $(VENV)/.ready-dev  ## lint, and check the format
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check --quiet $(SOURCES)

types: $(VENV)/.ready-dev  ## check the types
	$(BIN)/mypy

docs: $(VENV)/.ready-dev  ## write the generated pages of docs/ anew
	$(BIN)/python docs/generate.py

bench: $(VENV)/.ready  ## measure against the baselines; see benchmarks/README.md
	$(BIN)/python benchmarks/tabular.py --limit 60 --out benchmarks/results/tabular-60s $(ARGS)

proofs: $(VENV)/.ready-dev  ## run the long proofs that `make test` leaves out
	$(BIN)/python -m pytest -m slow $(ARGS)

clean:  ## remove the environments and the caches
	rm -rf $(VENV) $(CORE_VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
