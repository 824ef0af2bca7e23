# Two commands on a fresh machine: `make demo` and `make test`. Everything else is for development.
.DEFAULT_GOAL := help
.PHONY: help setup setup-services setup-training setup-rerank-clients demo check format test test-gpu lock clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Make both environments: .venv (140 MB to download) and .engines/base with torch (2.8 GB, shared by checkouts)
	@ops/setup.sh services engine

setup-services: ## Make .venv only: services, command and checks, without torch
	@ops/setup.sh services

setup-training: ## Make .engines/training: reinforcement learning, teachers, pretrained weights and plots, over the base (190 MB to download)
	@ops/setup.sh training

setup-rerank-clients: ## Make .engines/rerank_clients: the clients of other makers that tests try the scorer with (0.1 GB to download)
	@ops/setup.sh rerank_clients

demo: setup ## Start the embedded profile and show the product working; Ctrl-C stops it
	@.venv/bin/precis demo

check: setup-services ## Style, types, import rules, spelling, compose file, house rules
	@ops/check.sh

format: setup-services ## Format the code and mend what ruff can mend
	@.venv/bin/ruff format
	@.venv/bin/ruff check --fix

test: setup setup-training setup-rerank-clients ## All tests: of the services in .venv, of engine and models in .engines/base, of training in .engines/training
	@status=0; \
	.venv/bin/python -m pytest tests --ignore tests/engine || status=1; \
	.engines/base/bin/python -m pytest tests/engine -m "not training" || status=1; \
	.engines/training/bin/python -m pytest tests/engine -m training || status=1; \
	exit $$status

test-gpu: ## Tests and figures of the local engine on an NVIDIA GPU, into build/gpu.json; PYTHON=... names another Python
	@tests/engine/gpu/run.sh

lock: setup-services ## Write requirements/*.lock anew; UPGRADE=1 takes the newest versions that the ranges allow
	@requirements/compile.sh $(if $(UPGRADE),--upgrade)

clean: ## Remove .venv, .engines and caches; engine environments stay in the cache that checkouts share
	rm -rf .venv .engines build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "engine environments: $${PRECIS_ENV_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/precis/envs}"
