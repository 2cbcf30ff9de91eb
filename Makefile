# Every verb of the project. Needs Python 3.11+ and make; all else goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Two at a time, whoever is done helps the other, and the slowest are named in the end.
PYTEST := $(BIN)/pytest -n 2 --dist worksteal --durations=15 --durations-min=1

# Many processes are started: none shall compile what another has compiled.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install demo replay test test-deep test-ui check fmt lint type contracts docs guide clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

install: $(READY) ## create .venv with the tested versions
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11+ is needed: make PYTHON=python3.11 ...")'
	@$(PYTHON) -m venv $(VENV) || { echo "No venv module: install it (Debian: apt-get install python3-venv)." >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[all]' --group dev
	@touch $@

demo: $(READY) ## start the travel example and say what to type
	$(BIN)/python -m examples.travel.demo
replay: $(READY) ## play every logged travel request through a running server
	$(BIN)/python -m examples.travel.replay

test: $(READY) ## run the tests, PostgreSQL included
	$(PYTEST) --ignore=tests/ui
	@echo "Left to make test-ui: the pages in a real browser (needs Chromium)."
test-ui: $(READY) ## run the tests of the pages in Chromium
	$(PYTEST) tests/ui -q
test-deep: $(READY) ## run the property tests with many more examples
	HYPOTHESIS_PROFILE=deep $(PYTEST) -m hypothesis
guide: $(READY) ## run the plugin's guide, snippet by snippet
	$(PYTEST) guide -q
check: lint type contracts test ## everything a change must pass

fmt: $(READY) ## format, and fix what can be fixed
	$(BIN)/ruff check --fix-only --quiet
	$(BIN)/ruff format
lint: $(READY) ## ruff
	$(BIN)/ruff check
	$(BIN)/ruff format --check
type: $(READY) ## mypy, strict
	$(BIN)/mypy
contracts: $(READY) ## who may import whom
	$(BIN)/lint-imports
docs: $(READY) ## build docs/_build, with what is made from the code
	$(BIN)/python -m docs._make
	$(BIN)/sphinx-build -W --keep-going -q -E docs docs/_build
clean: ## remove .venv and everything built
	rm -rf $(VENV) build dist docs/_build .coverage* .hypothesis .*_cache
