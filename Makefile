# Two commands on a fresh machine: `make demo` and `make test`. Each installs what it needs and prints that.
SHELL := /bin/bash
BIN := .venv/bin

.PHONY: help setup demo test systems lint docs unit whole e2e clean

help:
	@echo "make demo   set up, then record, pack, score, select, report and train into ./demo/ (again: reuses what is complete)"
	@echo "make test   set up, then lint and run every test (RELEASE=trixie: the images on Debian 13; PYTHON=python3.13)"
	@echo "make systems  whatever depends on the operating system, on Debian 12 and on Debian 13: a table"
	@echo "make lint   ruff, mypy and import-linter: which package may import which"
	@echo "make docs   the reference pages of docs/reference/ from the code"
	@echo "make unit   the tests that need no Docker"
	@echo "make whole  like unit, with every member and example of the parametrised families that unit samples"
	@echo "make clean  remove ./demo/"

setup:
	@.ci/setup.sh python

demo:
	@.ci/setup.sh system || true
	@.ci/setup.sh python
	@.ci/demo.sh

test:
	@.ci/setup.sh system
	@.ci/setup.sh python
	@.ci/setup.sh player || [ "$$CI" != true ]
	@$(MAKE) --no-print-directory lint
	@.ci/images.sh test
	@echo "==> unit tests"
	@$(BIN)/python -m pytest -q -n 3 --dist loadfile tests --ignore=tests/e2e
	@echo "==> end-to-end tests (Docker, X servers, Chromium, a Hub endpoint)"
	@$(BIN)/python -m pytest -q tests/e2e

systems:
	@.ci/setup.sh system
	@.ci/setup.sh python
	@$(BIN)/python benchmarks/systems.py $(ARGS)

lint: setup
	@echo "==> ruff, mypy, import-linter"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

docs: setup
	@$(BIN)/python docs/make_reference.py

unit: setup
	@$(BIN)/python -m pytest -q -n 3 --dist loadfile tests --ignore=tests/e2e

whole: setup
	@GOALTRACE_WHOLE=1 $(BIN)/python -m pytest -q -n 3 --dist loadfile tests --ignore=tests/e2e

e2e: setup
	@.ci/setup.sh player || [ "$$CI" != true ]
	@.ci/images.sh test
	@$(BIN)/python -m pytest -q tests/e2e

clean:
	rm -rf demo
