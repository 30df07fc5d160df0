# `make` alone lists what can be made.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Byte code is made when a module is first imported: half of the install time otherwise.
INSTALL := $(PIP) install --no-compile --require-virtualenv
RUNTIME := $(VENV)/.runtime
TOOLS   := $(VENV)/.tools
PYTEST  := $(BIN)/python -m pytest

# Some shells switch byte code off; every process would then compile what it imports again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo up lab test test-kills chaos test-environment notebooks test-fast test-notebooks test-demo test-shared test-lab check lint types format bench-models bench-training bench-serving bench-producer bench-hot-path bench-kinesis bench-history bench-capacity bench-builder test-infra test-rights test-api bench-api bench-cold-start package deploy destroy lock picture sample clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 18

demo: $(RUNTIME) ## the whole system on this machine: listeners, pipeline, notebooks, recommendations
	$(BIN)/musicrec demo $(if $(CATALOG),--catalog "$(CATALOG)")

up: $(RUNTIME) ## start the embedded stack, filled, and keep it running for JupyterLab
	$(BIN)/musicrec up --listeners 215

lab: $(RUNTIME) ## JupyterLab on the notebooks, beside a running `make up`
	set -a; if [ -z "$$AWS_ENDPOINT_URL" ] && [ -f build/musicrec.env ]; then . build/musicrec.env; fi; cd notebooks && ../$(BIN)/jupyter lab

test: $(TOOLS) ## everything that a bare machine can test, notebooks included
	$(PYTEST) -n 2 --dist loadscope --no-loadscope-reorder --durations=60

# Files that pytest collects only where they are named: minutes, and not needed while one works.
test-notebooks: $(TOOLS) ## the notebooks' contract, awkward data for each, and mutants that they notice
	$(PYTEST) -q -n 2 --dist loadscope -p musicrec.notebooks.plugin -o musicrec_notebooks=notebooks notebooks \
		tests/notebooks/thorough/check_awkward_data.py tests/notebooks/thorough/check_mutants.py

test-demo: $(TOOLS) ## the demo, with a fifth of its listeners (two minutes)
	$(PYTEST) -q tests/notebooks/thorough/check_demo.py

test-shared: $(TOOLS) ## models and notebook 01 on data that is not shipped, below MUSICREC_SHARED (a minute)
	$(PYTEST) -q tests/research/check_research_quality.py tests/notebooks/thorough/check_full_catalogue.py

test-lab: $(TOOLS) ## the notebooks in JupyterLab, clicked through in Chromium, which the machine must have
	$(PYTEST) -q tests/notebooks/browser/check_lab.py

test-kills: $(TOOLS) ## the producer killed 200 times in each of two evenings (minutes)
	$(PYTEST) -q -s tests/producer/test_producer_kills.py --kills $(or $(KILLS),200)

test-api: $(TOOLS) ## thousands of requests made from the API's document (two minutes)
	$(PYTEST) -q tests/api/check_api_schema.py

chaos: $(TOOLS) ## the pipeline while everything fails (SEED=1 EVENTS=200000, minutes)
	$(PYTEST) -q tests/chaos/check_chaos.py --seed $(or $(SEED),1) --events $(or $(EVENTS),200000)

test-infra: $(TOOLS) ## Terraform: form, its tests, applied to the embedded AWS, drift, parity, destroyed (minutes; needs terraform)
	$(PYTEST) -q tests/infra/check_terraform.py tests/infra/check_applied.py

test-rights: $(TOOLS) ## every right of every role: what takes it away breaks the path (a minute)
	$(PYTEST) -q tests/local/iam/check_least_privilege.py

test-environment: $(RUNTIME) ## the pip section of environment.yml installs into a clean virtual environment
	rm -rf build/environment && mkdir -p build
	$(PYTHON) -m venv build/environment
	$(BIN)/python -c 'import yaml; print(*yaml.safe_load(open("environment.yml"))["dependencies"][-1]["pip"], sep="\n")' > environment.pip.txt
	build/environment/bin/python -m pip --quiet --disable-pip-version-check install --no-compile -r environment.pip.txt
	rm environment.pip.txt
	build/environment/bin/musicrec --help > build/environment.log
	rm -rf build/environment

check: lint types test-fast ## lint, types and fast tests

lint: $(TOOLS)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(TOOLS)
	$(BIN)/mypy

test-fast: $(TOOLS)
	$(PYTEST) -n 2 --dist loadscope -m "not slow and not notebooks"

format: $(TOOLS) ## rewrite the code as ruff wants it
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

build/bench/bin/python:
	$(PYTHON) -m venv build/bench
	build/bench/bin/python -m pip --quiet --disable-pip-version-check install --editable '.[bench]'

package: $(RUNTIME) ## what Lambda runs: build/lambdas/<function>.zip, and the layer of dependencies
	$(BIN)/musicrec package

deploy: package ## the stack in an AWS account (ENV=dev; YES=1 asks nothing)
	$(BIN)/musicrec deploy "$(ENV)" $(if $(YES),--yes)

destroy: package ## take it down again, Personalize first (ENV=dev; DELETE_DATA=1 takes the lake as well)
	$(BIN)/musicrec destroy "$(ENV)" $(if $(DELETE_DATA),--delete-data) $(if $(YES),--yes)

bench-models: build/bench/bin/python ## the models beside other libraries' (RATINGS=ratings.csv.gz; with SASRec hours on a CPU)
	build/bench/bin/python -m benchmarks.models $(if $(RATINGS),"$(RATINGS)",--listeners notebooks/data/spotify_tracks_sample.csv.gz) $(BENCH)

bench-training: build/bench/bin/python ## how long a fit takes beside implicit's ALS, at the size of a service (minutes)
	build/bench/bin/python -m benchmarks.training $(BENCH)

bench-serving: $(RUNTIME) ## how quickly the embedded Personalize answers at the size of a service (minutes)
	$(BIN)/python -m benchmarks.serving $(BENCH)

bench-producer: $(RUNTIME) ## how right the producer is, on simulated evenings whose truth is known (minutes)
	$(BIN)/python -m benchmarks.producer $(BENCH)

bench-hot-path: $(RUNTIME) ## what the hot path costs beside one PutEvents a record
	$(BIN)/python -m benchmarks.hot_path $(BENCH)

bench-kinesis: $(RUNTIME) ## what an append costs on the embedded Kinesis, up to a million records
	$(BIN)/python -m benchmarks.kinesis $(BENCH)

bench-history: $(RUNTIME) ## time and memory of the importer, by rows (minutes)
	$(BIN)/python -m benchmarks.history $(BENCH)

bench-capacity: $(RUNTIME) ## what so many listeners need, and what AWS would bill, by the figures that the others kept
	$(BIN)/python -m benchmarks.capacity $(BENCH)

bench-cold-start: $(RUNTIME) ## from process start to the first answer of each function, beside an empty one with boto3
	$(BIN)/python -m benchmarks.cold_start $(BENCH)

bench-builder: $(RUNTIME) ## the daily build of 1 and 10 million events: seconds, memory, beside bare pyarrow (minutes; BENCH="--millions 1 10 50")
	$(BIN)/python -m benchmarks.builder $(BENCH)

bench-api: $(RUNTIME) ## the highest rate of mixed traffic that the embedded API holds, beside what stands behind it
	$(BIN)/python -m benchmarks.api $(BENCH)

lock: ## resolve the dependencies again (needs uv on the PATH)
	uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --no-emit-package musicrec requirements.in -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --no-emit-package musicrec requirements-dev.in -o requirements-dev.lock

notebooks: $(RUNTIME) ## run the notebooks on a fresh filled stack and keep their outputs in the repository
	$(BIN)/musicrec demo --keep-notebooks

picture: $(RUNTIME) ## draw docs/architecture.png
	$(BIN)/python docs/architecture.py

clean: ## remove what was built
	rm -rf build .pytest_cache .mypy_cache .ruff_cache $(VENV)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(RUNTIME): requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing what musicrec needs into $(VENV) (the first time only; one to three minutes)"
	$(INSTALL) -r requirements.lock
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(TOOLS): requirements-dev.lock $(RUNTIME)
	@echo "Installing the development tools into $(VENV)"
	$(INSTALL) -r requirements-dev.lock
	@touch $@
