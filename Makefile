# Every command that a person or CI runs. Each one works on a fresh clone that has only Python.

PYTHON ?= python3
VENV := .venv/bin
MANAGE := DJANGO_SETTINGS_MODULE=zaaz.settings.test $(VENV)/python -W ignore::RuntimeWarning manage.py
args ?=

.DEFAULT_GOAL := help
.PHONY: help setup run demo test check lint fmt types imports migrations-check schema \
	schema-check shell manage clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'

setup: ## Make the virtual environment and install (instant when nothing has changed)
	@$(PYTHON) -m scripts.install

run: setup ## Run the product here with demo data, until Ctrl-C
	@$(VENV)/python -m scripts.run

demo: setup ## Play the main job and check every number; uses `make run` if it is running
	@$(VENV)/python -m scripts.demo

test: setup ## Run the whole suite on real servers; args="wallets -x" runs a part
	@$(VENV)/python -m scripts.test $(args)

check: lint types imports migrations-check schema-check test ## Everything that CI and a reviewer ask

lint: setup ## Look for faults and for formatting that differs
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .

fmt: setup ## Format, and repair what can be repaired
	@$(VENV)/ruff check --fix .
	@$(VENV)/ruff format .

types: setup ## Check the types
	@$(VENV)/mypy .

imports: setup ## Check who imports whom
	@$(VENV)/lint-imports

migrations-check: setup ## Check that no migration is missing
	@$(MANAGE) makemigrations --check --dry-run

schema: setup ## Write docs/openapi.yaml
	@$(MANAGE) spectacular --fail-on-warn --file docs/openapi.yaml

schema-check: setup ## Check that docs/openapi.yaml is current
	@mkdir -p var
	@$(MANAGE) spectacular --fail-on-warn --file var/openapi.yaml
	@diff -u docs/openapi.yaml var/openapi.yaml || (echo "run: make schema" && false)

shell: setup ## Open a Django shell on the running system
	@$(VENV)/python -m scripts.manage shell

manage: setup ## Run a command on the running system: make manage args=verify_ledger
	@$(VENV)/python -m scripts.manage $(args)

clean: ## Remove the virtual environment, the demo data and every cache
	@rm -rf .venv var .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
