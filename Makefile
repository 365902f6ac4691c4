# The one task file. `make demo` and `make test` are all a newcomer needs; each sets itself up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: setup demo test lint types unit bench hostile dictionary claims-page lock ui clean

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(STAMP)

demo: setup
	$(BIN)/engagement-stats demo

test: setup lint types unit

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

unit: setup
	$(BIN)/pytest --numprocesses 2

bench: setup
	$(BIN)/python -m bench

# What becomes of every file of some folders, and a fault if one crashes, hangs, swells or leaves anything behind:
# make hostile FILES="FOLDER ..." [TABLE=outcomes.csv]
FILES ?= ../shared/data/badinput/upstream
TABLE ?= outcomes.csv
hostile: setup
	$(BIN)/python -m bench.hostile $(FILES) --table $(TABLE)

ui: setup
	$(BIN)/engagement-stats ui

dictionary: setup
	$(BIN)/python -m engagement_stats.dictionary > docs/data_dictionary.md

claims-page: setup
	$(BIN)/python -m engagement_stats.claims_page > docs/seed_claims.md

# Pin every dependency with its hash for Python 3.11 and later (needs uv on the PATH).
lock:
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
		--no-annotate --no-header --no-strip-extras --output-file requirements.lock

clean:
	rm -rf $(VENV) .dagster .pytest_cache .mypy_cache .ruff_cache
