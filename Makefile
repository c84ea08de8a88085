# Every target does its own set-up in .venv; `make help` lists them.
PYTHON ?= python3
DATA ?=
OUT ?= demo_output
PEERS ?= $(or $(MONAI_TOPO_PEERS),$(HOME)/.cache/monai_topo_peers)
BIN := .venv/bin
READY := .venv/ready
NNUNET := .venv-nnunet
NNUNET_READY := $(NNUNET)/ready

export OMP_WAIT_POLICY ?= passive

.PHONY: help demo test test-slow test-nnunet lint docs package bench bench-large bench-gpu bench-quick bench-peers figures results study results-quick clean
.DEFAULT_GOAL := help

help:  ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## */\t/' | expand -t 14

demo: $(READY)  ## train two 3D U-Nets, with and without TopoLoss, and compare them; DATA=folder takes real volumes
	$(BIN)/python -m monai_topo demo --out $(OUT) $(if $(DATA),--data $(DATA))

test: $(READY)  ## run the tests and doctests (minutes)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 -m "not slow"

test-slow: $(READY)  ## run the tests that take long
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 -m slow

test-nnunet: $(NNUNET_READY)  ## run nnU-Net's own commands with the trainers of this package, in an environment of their own (minutes)
	OMP_NUM_THREADS=1 PYTHONPATH=tests/nnunet/site $(NNUNET)/bin/pytest tests/nnunet

lint: $(READY)  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(READY)  ## build the site into docs/_build/html, with warnings as errors, and check the links within it
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[docs]"
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html
	MONAI_TOPO_SITE=docs/_build/html $(BIN)/pytest -m slow tests/test_site.py

package: $(READY)  ## build wheel and source distribution into dist/, check them, run a bundle from the installed wheel
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[release]"
	rm -rf dist
	$(BIN)/python -m build --outdir dist
	$(BIN)/twine check --strict dist/*
	MONAI_TOPO_DIST=dist $(BIN)/pytest -m slow tests/test_package.py

bench: $(READY)  ## measure speed within 40 minutes, write docs/benchmarks.md and its pages (what is done is kept)
	MONAI_TOPO_PEERS=$(PEERS) $(BIN)/python -m tests.benchmarks --write

bench-large: $(READY)  ## measure what takes longer: volumes of 1024³
	MONAI_TOPO_PEERS=$(PEERS) $(BIN)/python -m tests.benchmarks --target large --write

bench-gpu: $(READY)  ## measure steps of training on a GPU, with and without each loss, and how long the GPU waits
	$(BIN)/python -m tests.benchmarks --target gpu --write

bench-quick: $(READY)  ## run every section of the benchmarks once in small, printed: to see that everything works
	MONAI_TOPO_PEERS=$(PEERS) $(BIN)/python -m tests.benchmarks --quick --only all

bench-peers: $(READY)  ## install what the benchmarks compare with into the folder PEERS, outside the tree
	$(BIN)/pip install --quiet --no-deps --upgrade --target $(PEERS) --requirement tests/benchmarks/peers.txt

figures: $(READY)  ## make the experiments' pictures and tables of docs/ anew
	$(BIN)/python -m tests.benchmarks.figure_blindness
	$(BIN)/python -m tests.benchmarks.figure_localized
	$(BIN)/python -m tests.benchmarks.figure_mending
	$(BIN)/python -m tests.benchmarks.figure_matching
	$(BIN)/python -m tests.benchmarks.figure_manifolds
	$(BIN)/python -m tests.benchmarks.figure_post_processing
	$(BIN)/python -m tests.benchmarks.figure_bundles
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[render]"
	$(BIN)/python -m tests.benchmarks.figure_vessels

results: $(READY)  ## train with every loss on the real volumes in DATA, write the pages of docs/results, docs/finished.md and the controls of docs/howto/trust.md (hours; what is done is kept)
	$(BIN)/python -m tests.results $(if $(DATA),--data $(DATA))
	$(BIN)/python -m tests.results.finished $(if $(DATA),--data $(DATA))
	$(BIN)/python -m tests.results.controls $(if $(DATA),--data $(DATA))

study: $(READY)  ## what losses add to good networks, on the real volumes in DATA: three studies of one to three hours (what is done is kept)
	$(BIN)/python -m tests.results.study $(if $(DATA),--data $(DATA))

results-quick: $(READY)  ## the same in half an hour, printed: to see that everything works
	$(BIN)/python -m tests.results --quick $(if $(DATA),--data $(DATA))
	$(BIN)/python -m tests.results.finished --quick $(if $(DATA),--data $(DATA))

clean:  ## remove the virtual environment, caches and demo results
	rm -rf .venv $(NNUNET) .mypy_cache .ruff_cache .pytest_cache .hypothesis demo_output results_output bench_output dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# torch by its pinned version before anything that depends on it: unpinned, pip brings gigabytes of CUDA.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet "$$(grep '^torch==' constraints.txt)"
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[test]"
	touch $(READY)

# nnU-Net brings a package under the LGPL: an environment of its own.
$(NNUNET_READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(NNUNET)
	$(NNUNET)/bin/pip install --quiet "$$(grep '^torch==' constraints.txt)"
	$(NNUNET)/bin/pip install --quiet --constraint constraints.txt --editable ".[test,nnunet]"
	touch $(NNUNET_READY)
