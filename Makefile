# The commands of this project. Settings come from the environment: see .env.example.
SHELL := /bin/bash
PYTHON_IN_VENV := .venv/bin/python

.PHONY: help up test laws bench lint clean requirements

help:
	@echo "make up            start everything, and stay in the foreground (Ctrl-C stops it)"
	@echo "make test          run all tests"
	@echo "make laws          look for a broken law for half an hour (ARGS=\"--minutes 60\")"
	@echo "make bench         run the benchmarks next to the peers"
	@echo "make lint          formatting, lint and types"
	@echo "make clean         remove what the others made, the data folder excepted"
	@echo "make requirements  pin the requirements again"

up:
	@.ci/venv requirements.txt
	@$(PYTHON_IN_VENV) -m tableflow.supervisor

test:
	@.ci/venv requirements-dev.txt
	@.ci/chromium
	@.ci/tmux
	@.ci/test $(ARGS)

laws:
	@.ci/venv requirements-dev.txt
	@$(PYTHON_IN_VENV) -m tests.laws $(ARGS)

bench:
	@.ci/venv requirements-dev.txt
	@$(PYTHON_IN_VENV) -m tests.bench $(ARGS)

lint:
	@.ci/venv requirements-dev.txt
	@.ci/lint

clean:
	rm -rf .venv .venv.lock .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis test-results staticfiles .ci/node/node_modules
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

requirements:
	@.ci/venv requirements-dev.txt
	@$(PYTHON_IN_VENV) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements.in -o requirements.txt
	@$(PYTHON_IN_VENV) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements-dev.in -o requirements-dev.txt
	@$(PYTHON_IN_VENV) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header .ci/node/requirements.in -o .ci/node/requirements.txt
