# Everything runs in .venv, which the first target makes and later ones find ready.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup test lint format demo examples bench bench-peers depth topologies clean

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
READY := .venv/.ready
WORKERS ?= 2
BUILD := build/demo
EXAMPLES := build/examples
BENCH := build/benchmarks
PEERS := .venv-peers
DEEPSPARSE := .venv-deepsparse

help:  ## list the targets
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 14

setup: $(READY)  ## make .venv with nfc and everything that tests and the demo need

$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "nfc needs Python 3.11 or later; name one with make PYTHON=…" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

test: lint  ## lint, types, layers, then every test
	$(BIN)/python -m pytest -n $(WORKERS) -q

lint: $(READY)  ## ruff, mypy and the layers of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)  ## lay out the code and mend what ruff can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

demo: $(READY)  ## train the emitted network on digits and run it in both runtimes
	@$(BIN)/python examples/demo.py --build $(BUILD)

examples: $(READY)  ## check, compile, train briefly, export and run every example in both runtimes
	@$(BIN)/python examples/run_all.py --build $(EXAMPLES)

bench: $(READY)  ## time nfc against dense: the goals, curves, a layer 2^20 wide, accuracy against time; and the compiler
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[viz]'
	@mkdir -p $(BENCH)
	@$(BIN)/python benchmarks/targets.py --json $(BENCH)/targets.json
	@$(BIN)/python benchmarks/scaling.py --build $(BENCH)
	@$(BIN)/python benchmarks/wide.py
	@$(BIN)/python benchmarks/pareto.py --build $(BENCH)
	@$(BIN)/python benchmarks/compiler.py

bench-peers: $(PEERS)/.ready $(DEEPSPARSE)/.ready  ## time nfc against its peers, in environments of their own
	@mkdir -p $(BENCH)
	@$(PEERS)/bin/python benchmarks/peers/run.py --cases table --json $(BENCH)/peers.json
	@$(PEERS)/bin/python benchmarks/peers/run.py --cases random --json $(BENCH)/random.json
	@$(PEERS)/bin/python -m benchmarks.peers.depth
	@$(PEERS)/bin/python benchmarks/peers/onnx_models.py $(BENCH)/models
	@PYTHONPATH=. $(DEEPSPARSE)/bin/python benchmarks/peers/onnx_inference.py $(BENCH)/models

depth: $(READY)  ## how signals fare and what trains in deep networks, by scheme; hours. Draws the figures of docs/
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[viz]'
	@$(BIN)/python -m benchmarks.depth.signals --build $(BENCH)
	@$(BIN)/python -m benchmarks.depth.signals --build $(BENCH) --schemes balanced --layers 100 --width 1024
	@$(BIN)/python -m benchmarks.depth.training --jobs $(WORKERS) --build $(BENCH)
	@$(BIN)/python -m benchmarks.depth.training --jobs $(WORKERS) --build $(BENCH) --schemes kaiming xavier --layers 10 100
	@$(BIN)/python -m benchmarks.depth.tables --build $(BENCH)
	@$(BIN)/python -m benchmarks.depth.figures --build $(BENCH)

topologies: $(READY)  ## measure and score the families, then draw and fill in docs/topologies.md; minutes
	@$(BIN)/python -m benchmarks.topologies.measure --again
	@$(BIN)/python -m benchmarks.topologies.pages

# A peer that cannot be installed stops nothing: the benchmark says that it cannot be imported.
$(PEERS)/.ready: benchmarks/peers/requirements.txt constraints.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[torch,runtime]'
	-sed 's/ *#.*//' $< | xargs -n 1 $(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --constraint constraints.txt
	@touch $@

$(DEEPSPARSE)/.ready: benchmarks/peers/requirements-deepsparse.txt
	$(PYTHON) -m venv $(DEEPSPARSE)
	-$(DEEPSPARSE)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

clean:  ## remove .venv and everything built
	rm -rf .venv $(PEERS) $(DEEPSPARSE) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
