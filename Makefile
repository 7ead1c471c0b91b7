# `make` lists what can be done. Everything works in .venv, which `make setup` builds.
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-long lint fix bench bench-serving pin where clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## ?/  \1\t/' | expand -t 16

setup: $(READY) ## build .venv with everything, pinned and checked by hash

$(READY): requirements/dev.txt requirements/uv.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements/uv.txt
	@# The one package that is published as source only is pure Python.
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --only-binary :all: --no-binary antlr4-python3-runtime requirements/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY) ## the whole story on a practice shop, in about three minutes
	$(BIN)/rondo demo

test: $(READY) ## every test that is quick enough for every change (needs PostgreSQL, Redis, Chromium)
	$(BIN)/pytest -q -m "not long" -n 2 --dist worksteal

test-long: $(READY) ## the tests that take minutes
	@# By file: what its tests share is made once.
	$(BIN)/pytest -q -m long -n 2 --dist loadfile --timeout 900

lint: $(READY) ## style, types, and the floors of the house
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(READY) ## mend what a machine can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: bench-serving ## measure, as ratios against peers in one run

bench-serving: $(READY) ## one-row requests against other servers (ARGS=--json for programs)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python benchmarks/serving.py $(ARGS)

pin: $(READY) ## resolve the dependencies anew
	requirements/compile.sh

where: ## the trail of a word: make where WORD=monitoring
	@find src tests docs -iname '*$(WORD)*' -not -path '*/__pycache__/*' | sort

clean: ## remove what was built
	rm -rf .venv demo-project
