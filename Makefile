PYTHON ?= python3.11
BIN := .venv/bin
STAMP := .venv/.installed
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help judge paper seeds test smoke lint docs clean

help:  ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## (.*)/  make \1\t\2/' | expand -t 16

judge: $(STAMP)  ## judge example images that another program made (configs/judge.yaml)
	python scripts/render_example.py
	snakemake --profile profiles/default --cores all --configfile configs/judge.yaml
	@echo "paper: $(CURDIR)/results/judge/paper/paper.pdf"

paper: $(STAMP)  ## run the default configuration and typeset the paper
	@start=$$(date +%s); \
	snakemake --profile profiles/default --cores all; \
	echo "paper: $(CURDIR)/results/paper/paper.pdf ($$(( $$(date +%s) - start )) s)"

seeds: $(STAMP)  ## the same with two seeds more, so that intervals speak of methods
	snakemake --profile profiles/default --cores all --config 'seeds=[0, 1, 2]'

# two workers of one thread each beat two of two
test: export OMP_NUM_THREADS := 1
test: lint  ## lint everything and run every test
	python -m pytest -n 2 --dist loadfile -m "not slow"
	python -m pytest -m slow tests/workflow

smoke: $(STAMP)  ## run the whole pipeline with a few training steps
	snakemake --profile profiles/default --cores all --configfile configs/smoke.yaml

lint: $(STAMP)  ## check the style of code and rules
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile rules
	snakemake --lint

docs: $(STAMP)  ## make the generated parts of README and docs (RESULTS=results: from that run's tables)
	craft docs $(addprefix --results ,$(RESULTS))

clean:  ## remove results and caches, keep .venv and data
	rm -rf results .snakemake .pytest_cache .ruff_cache .hypothesis

# torch comes first and pinned: other packages would pull a build of several GB
$(STAMP): pyproject.toml requirements.lock
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^torch==' requirements.lock)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[test]'
	touch $@
