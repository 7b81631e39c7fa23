# Every target sets up what it needs first; that takes no time when nothing has changed.
BIN := .venv/bin
# Where it is set, each of the many processes compiles every module anew: half of its start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run test lint format bench coverage screenshots clean

help: ## this list (the default)
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile

run: ## a demo venue on this machine: a real server, a real scanner, every verdict
	@sh scripts/setup.sh run
	@exec $(BIN)/python scripts/demo.py

test: ## every test, lint included; about ten minutes on 2 cores
	@sh scripts/setup.sh test
	@exec $(BIN)/python -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder

lint: ## style, formatting, types, import arrows
	@sh scripts/setup.sh test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: ## put the code into its one format
	@sh scripts/setup.sh test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: ## the measurements that are too long for the tests
	@sh scripts/setup.sh run
	@set -e; for bench in benchmarks/bench_*.py; do echo "== $$bench"; $(BIN)/python $$bench; done

coverage: ## the tests again, with the lines that none of them reaches
	@sh scripts/setup.sh test
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

screenshots: ## the screenshots in docs/images, drawn anew; look at them
	@sh scripts/setup.sh test
	$(BIN)/python scripts/screenshots.py

clean: ## remove what was made, but never ./var, which is a venue's data
	rm -rf .venv node_modules gate_server/web/static/npm build dist *.egg-info .coverage .coverage.* .hypothesis
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
