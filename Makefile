# Targets for newcomers. Everything runs in .venv, which tools/make_venv.py builds from a lock file if necessary.

PYTHON ?= $(shell command -v python3 || command -v python3.11 || command -v python3.12 || command -v python3.13 || echo python3)
EXTRA ?=
BIN := .venv/bin

.PHONY: help demo test test-references test-cluster test-all bench lint format lock clean venv
.DEFAULT_GOAL := help

help:  ## show this
	@sed -n 's/^\([a-z-]*\):.*## /make \1|/p' Makefile | while IFS='|' read -r name text; do printf '%-20s%s\n' "$$name" "$$text"; done
	@echo "EXTRA=gpu builds .venv from lock/gpu.txt (EXTRA=parity, EXTRA=cpu likewise) and is remembered until make clean."

demo: venv  ## train a small pronunciation model, print its error rates and the path of the report
	$(BIN)/boulder run config/g2p.demo

test: venv lint  ## lint, and every test that is neither long nor slow nor on a real cluster
	$(BIN)/pytest -n 2 --dist worksteal -m "not long and not slow and not slurm and not gridengine"

test-references: venv  ## the long tests, and those that compare with RETURNN or use a browser
	$(BIN)/pytest -n 2 --dist worksteal -m "(long or parity or chromium or sclite) and not slow"

test-cluster: venv  ## every test on a real Slurm or Grid Engine, one of each at a time
	$(BIN)/pytest -n 2 --dist loadgroup -m "slurm or gridengine"

test-all: venv lint  ## lint, and every test
	$(BIN)/pytest -n 2 --dist loadgroup

bench: venv  ## run the benchmarks and write their tables into bench/README.md; needs EXTRA=parity and a quiet machine
	$(BIN)/python bench

lint: venv  ## ruff and the type checker
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: venv  ## apply ruff's corrections
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: venv  ## write lock files from pyproject.toml; UPGRADE=1 takes the newest versions
	$(BIN)/python tools/make_locks.py $(if $(UPGRADE),--upgrade)

clean:  ## remove .venv and caches, but neither work/ nor output/
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -path ./work -prune -o -path ./.git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

venv:  ## build .venv if necessary
	@$(PYTHON) tools/make_venv.py $(EXTRA)
