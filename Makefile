# RLS3: `make run` runs the default campaign, `make test` all tests. Both set up .venv on first use.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin

.PHONY: run serve stop test setup lint audit gallery bench clean

run: setup          ## the default campaign (or its continuation)
	$(BIN)/rls3 run

serve: setup        ## scheduled campaigns (Prefect), MLflow's pages, reports: on loopback
	$(BIN)/rls3 serve

stop: setup         ## end what `make serve` started
	$(BIN)/rls3 stop

test: setup         ## all tests
	@sh .ci/postgres
	$(BIN)/python -m pytest -n 2 --dist loadfile

setup: .venv/ready  ## the environment, from the lock file

.venv/ready: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@sh .ci/egl
	@touch $@

lint: setup         ## style and errors
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

audit: setup        ## security: our code, and known holes of what it stands on (asks pypi.org)
	$(BIN)/bandit -q -c pyproject.toml -r rls3 embedded_thor flows tasks
	$(BIN)/pip-audit --disable-pip --no-deps -r requirements.lock

gallery: setup      ## contact sheets of rooms and objects into docs/
	$(BIN)/python -m benchmarks.gallery

bench: setup        ## the figures of docs/performance.md
	$(BIN)/python -m benchmarks.throughput
	$(BIN)/python -m benchmarks.embedded_thor

clean:              ## runs and caches, not the data
	rm -rf runs .rls3 .pytest_cache
